// Vectors of 64-bit words as little-endian bytes, at the speed of memory. Here, because loading words from bytes needs
// pointers, and cores have none.

/// Conversion between 64-bit words and their little-endian bytes.
public enum LittleEndianWords {
    /// The bytes of `words`, eight each.
    public static func encode(_ words: ArraySlice<UInt64>) -> [UInt8] {
        #if _endian(little)
            words.withUnsafeBytes { [UInt8]($0) }
        #else
            words.map(\.littleEndian).withUnsafeBytes { [UInt8]($0) }
        #endif
    }

    /// The words of `bytes`.
    /// - Throws: ``CryptographyError/malformedEncoding(_:)`` unless the length is a multiple of 8.
    public static func decode(_ bytes: [UInt8]) throws(CryptographyError) -> [UInt64] {
        guard bytes.count.isMultiple(of: 8) else { throw .malformedEncoding("words") }
        return bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / 8).map {
                UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
            }
        }
    }

    /// Adds the words in `bytes` to `sum[start...]`, modulo 2^64, without an array in between.
    /// - Throws: ``CryptographyError/wrongLength(of:expected:actual:)`` unless `bytes` holds whole words that lie inside
    ///   `sum`, which is then unchanged.
    public static func add(_ bytes: Span<UInt8>, to sum: inout [UInt64], at start: Int = 0) throws(CryptographyError) {
        guard start >= 0, start <= sum.count, bytes.count.isMultiple(of: 8), bytes.count / 8 <= sum.count - start else {
            throw .wrongLength(of: "words", expected: 8 * max(0, sum.count - max(0, start)), actual: bytes.count)
        }
        sum.withUnsafeMutableBufferPointer { target in
            bytes.withUnsafeBytes { source in
                for index in 0..<source.count / 8 {
                    target[start + index] &+= UInt64(
                        littleEndian: source.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
                }
            }
        }
    }
}
