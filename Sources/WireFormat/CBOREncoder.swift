// Deterministic encoding, RFC 8949 section 4.2.1: shortest heads, definite lengths, keys in bytewise order.

extension CBORValue {
    /// The one encoding of this value. Keys of maps must be strictly ascending: a programming error otherwise.
    public func encoded() -> [UInt8] {
        var output: [UInt8] = []
        encode(into: &output)
        return output
    }

    func encode(into output: inout [UInt8]) {
        switch self {
        case .unsigned(let value): Self.encodeHead(major: 0, value, into: &output)
        case .negative(let value): Self.encodeHead(major: 1, value, into: &output)
        case .bytes(let bytes):
            Self.encodeHead(major: 2, UInt64(bytes.count), into: &output)
            output.append(contentsOf: bytes)
        case .text(let text):
            Self.encodeHead(major: 3, UInt64(text.utf8.count), into: &output)
            output.append(contentsOf: text.utf8)
        case .array(let items):
            Self.encodeHead(major: 4, UInt64(items.count), into: &output)
            for item in items { item.encode(into: &output) }
        case .map(let entries):
            Self.encodeHead(major: 5, UInt64(entries.count), into: &output)
            var previous: UInt64?
            for entry in entries {
                precondition(previous.map { $0 < entry.key } ?? true, "map keys must ascend")
                previous = entry.key
                Self.encodeHead(major: 0, entry.key, into: &output)
                entry.value.encode(into: &output)
            }
        case .boolean(let value): output.append(value ? 0xf5 : 0xf4)
        case .null: output.append(0xf6)
        }
    }

    private static func encodeHead(major: UInt8, _ value: UInt64, into output: inout [UInt8]) {
        let type = major << 5
        let width: Int
        switch value {
        case 0..<24:
            output.append(type | UInt8(value))
            return
        case 24...0xff: (width, _) = (1, output.append(type | 24))
        case 0x100...0xffff: (width, _) = (2, output.append(type | 25))
        case 0x1_0000...0xffff_ffff: (width, _) = (4, output.append(type | 26))
        default: (width, _) = (8, output.append(type | 27))
        }
        for shift in stride(from: (width - 1) * 8, through: 0, by: -8) {
            output.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}
