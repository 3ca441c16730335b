// A total, strict reader: any bytes give a value or a typed error, in time and memory linear in their number. It accepts
// what the format allows: one JSON object, unique names, tensors without gaps or overlaps that fill the file.

extension Safetensors {
    /// Reads a file.
    /// - Throws: ``SafetensorsError``; never traps.
    public init(decoding file: [UInt8]) throws(SafetensorsError) {
        guard file.count >= 8 else { throw .truncated }
        var length: UInt64 = 0
        for index in 0..<8 { length |= UInt64(file[index]) << UInt64(8 * index) }
        guard length <= UInt64(Self.maximumHeaderBytes) else { throw .headerTooLarge }
        guard length <= UInt64(file.count - 8) else { throw .truncated }
        let dataStart = 8 + Int(length)
        var header = HeaderReader(text: file[8..<dataStart])
        let (entries, metadata) = try header.read()

        var tensors: [String: Tensor] = [:]
        var expectedStart = 0
        for (name, entry) in entries.sorted(by: { ($0.value.begin, $0.value.end) < ($1.value.begin, $1.value.end) }) {
            guard entry.begin == expectedStart, entry.begin <= entry.end, entry.end <= file.count - dataStart else {
                throw .badOffsets
            }
            tensors[name] = try Tensor(
                dataType: entry.dataType, shape: entry.shape,
                bytes: [UInt8](file[dataStart + entry.begin..<dataStart + entry.end]))
            expectedStart = entry.end
        }
        guard expectedStart == file.count - dataStart else { throw .badOffsets }
        try self.init(tensors: tensors, metadata: metadata)
    }
}

/// The header's JSON: RFC 8259 restricted to the shapes the format knows, so nothing nests and nothing recurses.
private struct HeaderReader {
    struct Entry {
        let dataType: Safetensors.DataType
        let shape: [Int]
        let begin: Int
        let end: Int
    }

    /// Most dimensions of a tensor; models here have two.
    private static let maximumDimensions = 32

    private var rest: ArraySlice<UInt8>

    init(text: ArraySlice<UInt8>) { rest = text }

    mutating func read() throws(SafetensorsError) -> (entries: [String: Entry], metadata: [String: String]) {
        guard rest.first == UInt8(ascii: "{") else { throw .malformedHeader(expected: "{ as its first byte") }
        var entries: [String: Entry] = [:]
        var metadata: [String: String]?
        try object { (reader, name) throws(SafetensorsError) in
            if name == Safetensors.metadataKey {
                if metadata != nil { throw .duplicateName }
                metadata = try reader.texts()
            } else if entries.updateValue(try reader.entry(), forKey: name) != nil {
                throw .duplicateName
            }
        }
        // Padding, and nothing else, may follow.
        skipSpace()
        guard rest.isEmpty else { throw .malformedHeader(expected: "its end after one object") }
        return (entries, metadata ?? [:])
    }

    private mutating func object(
        _ member: (inout HeaderReader, String) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try expect(UInt8(ascii: "{"), "an object")
        if skip(UInt8(ascii: "}")) { return }
        repeat {
            let name = try string()
            try expect(UInt8(ascii: ":"), "a colon")
            try member(&self, name)
        } while skip(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"), "a comma or the end of an object")
    }

    private mutating func texts() throws(SafetensorsError) -> [String: String] {
        var texts: [String: String] = [:]
        try object { (reader, name) throws(SafetensorsError) in
            if texts.updateValue(try reader.string(), forKey: name) != nil { throw .duplicateName }
        }
        return texts
    }

    private mutating func entry() throws(SafetensorsError) -> Entry {
        var dataType: Safetensors.DataType?
        var shape: [Int]?
        var offsets: [Int]?
        try object { (reader, name) throws(SafetensorsError) in
            switch name {
            case "dtype" where dataType == nil:
                guard let known = Safetensors.DataType(rawValue: try reader.string()) else { throw .unknownDataType }
                dataType = known
            case "shape" where shape == nil: shape = try reader.integers(maximum: Self.maximumDimensions)
            case "data_offsets" where offsets == nil: offsets = try reader.integers(maximum: 2)
            default: throw .malformedHeader(expected: "dtype, shape and data_offsets, once each")
            }
        }
        guard let dataType, let shape, let offsets, offsets.count == 2 else {
            throw .malformedHeader(expected: "dtype, shape and two data_offsets")
        }
        return Entry(dataType: dataType, shape: shape, begin: offsets[0], end: offsets[1])
    }

    private mutating func integers(maximum: Int) throws(SafetensorsError) -> [Int] {
        try expect(UInt8(ascii: "["), "an array")
        var values: [Int] = []
        if skip(UInt8(ascii: "]")) { return values }
        repeat {
            if values.count == maximum { throw .malformedHeader(expected: "at most \(maximum) numbers") }
            values.append(try integer())
        } while skip(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"), "a comma or the end of an array")
        return values
    }

    private mutating func integer() throws(SafetensorsError) -> Int {
        skipSpace()
        let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard (1...18).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0") else {
            throw .malformedHeader(expected: "a whole number of at most 18 digits")
        }
        rest = rest.dropFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private mutating func string() throws(SafetensorsError) -> String {
        try expect(UInt8(ascii: "\""), "a string")
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw .malformedHeader(expected: "UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): bytes.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw .malformedHeader(expected: "control characters escaped")
            default: bytes.append(byte)
            }
        }
        throw .malformedHeader(expected: "the end of a string")
    }

    private mutating func escape() throws(SafetensorsError) -> Unicode.Scalar {
        switch rest.popFirst() {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var value = try hexadecimal()
            if (0xD800...0xDBFF).contains(value), rest.popFirst() == UInt8(ascii: "\\"),
                rest.popFirst() == UInt8(ascii: "u")
            {
                let low = try hexadecimal()
                guard (0xDC00...0xDFFF).contains(low) else {
                    throw .malformedHeader(expected: "surrogates in pairs")
                }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(value) else { throw .malformedHeader(expected: "surrogates in pairs") }
            return scalar
        default: throw .malformedHeader(expected: "an escape of JSON")
        }
    }

    private mutating func hexadecimal() throws(SafetensorsError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = rest.popFirst(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw .malformedHeader(expected: "four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private mutating func expect(_ byte: UInt8, _ what: String) throws(SafetensorsError) {
        if !skip(byte) { throw .malformedHeader(expected: what) }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        skipSpace()
        guard rest.first == byte else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func skipSpace() {
        rest = rest.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
    }
}
