// Arithmetic modulo p = 2^61 − 1 without branches or table look-ups on secret values.

/// A residue modulo 2^61 − 1, always in 0 ..< p.
struct Mersenne61: Equatable {
    static let modulus: UInt64 = (1 << 61) - 1

    let value: UInt64

    /// Reduces any 64-bit word.
    init(_ word: UInt64) {
        // Fold once: the top three bits weigh 2^61 ≡ 1; the result is at most p + 7.
        value = Self.reduceOnce((word & Self.modulus) &+ (word >> 61))
    }

    private init(reduced value: UInt64) { self.value = value }

    /// Subtracts p if that does not underflow, by mask.
    private static func reduceOnce(_ word: UInt64) -> UInt64 {
        let difference = word &- modulus
        let borrow = UInt64(bitPattern: Int64(bitPattern: difference) >> 63)  // all ones if word < p
        return difference &+ (modulus & borrow)
    }

    static func + (left: Mersenne61, right: Mersenne61) -> Mersenne61 {
        Mersenne61(reduced: reduceOnce(left.value &+ right.value))
    }

    static func - (left: Mersenne61, right: Mersenne61) -> Mersenne61 {
        Mersenne61(reduced: reduceOnce(left.value &+ modulus &- right.value))
    }

    static func * (left: Mersenne61, right: Mersenne61) -> Mersenne61 {
        let (high, low) = left.value.multipliedFullWidth(by: right.value)
        // 122-bit product = upper · 2^61 + lower, and 2^61 ≡ 1.
        let lower = low & modulus
        let upper = (high << 3) | (low >> 61)
        return Mersenne61(reduced: reduceOnce(lower &+ upper))
    }

    /// value^(p − 2), by a fixed addition chain of squarings: the exponent is public.
    var inverse: Mersenne61 {
        var result = Mersenne61(1)
        var base = self
        var exponent = Self.modulus - 2
        while exponent > 0 {
            if exponent & 1 == 1 { result = result * base }
            base = base * base
            exponent >>= 1
        }
        return result
    }
}
