// Floating point in messages: the profile of CBOR has none, so values travel as IEEE 754 bytes, little-endian as in
// safetensors. A value has one encoding: NaN is refused on reading.

import WireFormat

/// IEEE 754 values as bytes.
enum FloatCoding {
    static func bytes(_ values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 4)
        for value in values {
            let bits = value.bitPattern
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 24))
        }
        return bytes
    }

    /// Nil unless the length is a multiple of four.
    static func floats(_ bytes: ArraySlice<UInt8>) -> [Float]? {
        guard bytes.count.isMultiple(of: 4) else { return nil }
        var values: [Float] = []
        values.reserveCapacity(bytes.count / 4)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let bits =
                UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
                | UInt32(bytes[index + 3]) << 24
            values.append(Float(bitPattern: bits))
            index += 4
        }
        return values
    }
}

extension MessageReader {
    /// Takes finite floats, of exactly `count` if given.
    mutating func floats(_ key: UInt64, _ name: String, count: Int? = nil) throws(WireFormatError) -> [Float] {
        let bytes = try bytes(
            key, name, count: count.map { $0 * 4 }, maximum: PropensityModel.maximumParameterCount * 4)
        guard let values = FloatCoding.floats(bytes[...]), values.allSatisfy(\.isFinite) else {
            throw .unexpected(field: name, expected: "finite IEEE 754 single-precision values")
        }
        return values
    }

    /// Takes one finite float.
    mutating func float(_ key: UInt64, _ name: String) throws(WireFormatError) -> Float {
        try floats(key, name, count: 1)[0]
    }
}
