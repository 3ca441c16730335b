// The safetensors file format (github.com/huggingface/safetensors, README "Format"): an 8-byte little-endian header
// length, a JSON header, then the tensors' bytes. PyTorch, JAX and NumPy read it as it is, and it can execute nothing.

/// A safetensors file in memory: named tensors and text metadata.
public struct Safetensors: Equatable, Sendable {
    /// Element types of the format, with their names in the header.
    public enum DataType: String, Equatable, Sendable {
        /// One byte, 0 or 1.
        case bool = "BOOL"
        /// Integers.
        case u8 = "U8"
        /// Integers.
        case i8 = "I8"
        /// Integers.
        case u16 = "U16"
        /// Integers.
        case i16 = "I16"
        /// IEEE 754 half precision.
        case f16 = "F16"
        /// The upper half of a single.
        case bf16 = "BF16"
        /// Integers.
        case u32 = "U32"
        /// Integers.
        case i32 = "I32"
        /// IEEE 754 single precision.
        case f32 = "F32"
        /// Integers.
        case u64 = "U64"
        /// Integers.
        case i64 = "I64"
        /// IEEE 754 double precision.
        case f64 = "F64"

        /// Bytes of one element.
        public var byteCount: Int {
            switch self {
            case .bool, .u8, .i8: 1
            case .u16, .i16, .f16, .bf16: 2
            case .u32, .i32, .f32: 4
            case .u64, .i64, .f64: 8
            }
        }
    }

    /// One tensor.
    public struct Tensor: Equatable, Sendable {
        /// The element type.
        public let dataType: DataType
        /// The dimensions; none for a scalar.
        public let shape: [Int]
        /// The elements, little-endian, row-major.
        public let bytes: [UInt8]

        /// Pairs bytes with their meaning.
        /// - Throws: ``SafetensorsError/shapeMismatch`` unless the bytes are exactly the elements of the shape.
        public init(dataType: DataType, shape: [Int], bytes: [UInt8]) throws(SafetensorsError) {
            guard Self.byteCount(dataType, shape) == bytes.count else { throw .shapeMismatch }
            self.dataType = dataType
            self.shape = shape
            self.bytes = bytes
        }

        /// Single-precision elements.
        /// - Throws: ``SafetensorsError/shapeMismatch`` unless there are as many as the shape has.
        public init(shape: [Int], floats: [Float]) throws(SafetensorsError) {
            try self.init(dataType: .f32, shape: shape, bytes: FloatCoding.bytes(floats))
        }

        /// The elements, if they are single-precision.
        public var floats: [Float]? { dataType == .f32 ? FloatCoding.floats(bytes[...]) : nil }

        /// Nil if a dimension is negative or the product overflows.
        static func byteCount(_ dataType: DataType, _ shape: [Int]) -> Int? {
            var count = dataType.byteCount
            for dimension in shape {
                if dimension < 0 { return nil }
                let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
                if overflow { return nil }
                count = product
            }
            return count
        }
    }

    /// Longest header accepted, the reference implementation's limit, in bytes.
    public static let maximumHeaderBytes = 100_000_000
    static let metadataKey = "__metadata__"

    /// Tensors by name.
    public let tensors: [String: Tensor]
    /// Free text about the file.
    public let metadata: [String: String]

    /// Collects tensors.
    /// - Throws: ``SafetensorsError/reservedName`` if a tensor is called `__metadata__`.
    public init(tensors: [String: Tensor], metadata: [String: String] = [:]) throws(SafetensorsError) {
        if tensors[Self.metadataKey] != nil { throw .reservedName }
        self.tensors = tensors
        self.metadata = metadata
    }

    /// The file's bytes, the same for equal values: tensors by falling element size, then name, so that each is aligned to
    /// its elements; metadata by name; the header padded with spaces to a multiple of eight, as the reference writer does.
    public func encoded() -> [UInt8] {
        let ordered = tensors.sorted {
            $0.value.dataType.byteCount != $1.value.dataType.byteCount
                ? $0.value.dataType.byteCount > $1.value.dataType.byteCount
                : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        var members: [String] = []
        if !metadata.isEmpty {
            let entries = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
            members.append("\"\(Self.metadataKey)\":{\(entries.joined(separator: ","))}")
        }
        var offset = 0
        for (name, tensor) in ordered {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let end = offset + tensor.bytes.count
            members.append(
                "\(Self.quoted(name)):{\"dtype\":\"\(tensor.dataType.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var header = [UInt8]("{\(members.joined(separator: ","))}".utf8)
        while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
        var file: [UInt8] = []
        file.reserveCapacity(8 + header.count + offset)
        for shift in 0..<8 { file.append(UInt8(truncatingIfNeeded: header.count >> (8 * shift))) }
        file.append(contentsOf: header)
        for (_, tensor) in ordered { file.append(contentsOf: tensor.bytes) }
        return file
    }

    /// A JSON string (RFC 8259 section 7): quotes, backslashes and control characters escaped, all else as UTF-8.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// Why bytes are not a safetensors file.
public enum SafetensorsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file ends before the header it announces.
    case truncated
    /// The header is longer than ``Safetensors/maximumHeaderBytes``.
    case headerTooLarge
    /// The header is not the JSON the format asks for.
    case malformedHeader(expected: String)
    /// A name appears twice.
    case duplicateName
    /// A tensor is called `__metadata__`.
    case reservedName
    /// The element type is not one of ``Safetensors/DataType``.
    case unknownDataType
    /// Bytes and shape disagree.
    case shapeMismatch
    /// Tensors overlap, leave a hole, or do not fill the file.
    case badOffsets

    /// Safe to log: carries nothing of the file.
    public var description: String {
        switch self {
        case .truncated: "safetensors: the file ends inside its header"
        case .headerTooLarge: "safetensors: the header is too large"
        case .malformedHeader(let expected): "safetensors header: expected \(expected)"
        case .duplicateName: "safetensors header: a name appears twice"
        case .reservedName: "safetensors: __metadata__ is not a tensor"
        case .unknownDataType: "safetensors header: unknown element type"
        case .shapeMismatch: "safetensors: bytes and shape disagree"
        case .badOffsets: "safetensors: tensors must follow each other and fill the file"
        }
    }
}
