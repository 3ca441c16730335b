// Fixed-width big-endian integers of the binary records (leaf, view row). Callers have checked the bounds.

extension Array<UInt8> {
    /// Appends the low `width` bytes of `value`, most significant first.
    mutating func appendBigEndian(_ value: UInt64, width: Int) {
        for shift in stride(from: (width - 1) * 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// Reads `width` (1...8) bytes from the `offset`-th element on, most significant first.
    @inline(__always)
    func bigEndian(at offset: Int, width: Int) -> UInt64 {
        var value: UInt64 = 0
        let start = startIndex + offset
        for position in start..<start + width { value = value << 8 | UInt64(self[position]) }
        return value
    }
}
