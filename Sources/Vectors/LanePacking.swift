// Packing, unpacking and adding word vectors. Plain loops over spans, one for each number of lanes: the compiler vectorises
// them, and new arrays are written once.

extension LaneLayout {
    /// Packs a vector: word w is Σ_q values[w·lanes + q] · 2^(bits·q) modulo 2^64.
    ///
    /// Always succeeds. A negative coordinate borrows from the lane above, which ``unpackSum(_:dimension:)`` undoes; a
    /// coordinate out of range wraps, and two wrapped sums of equal total are equal.
    /// - Parameter values: any number of coordinates; absent coordinates of the last word count as zero.
    /// - Returns: ``wordCount(dimension:)`` words.
    public func pack(_ values: [Int64]) -> [UInt64] {
        let source = values.span
        let width = UInt64(bits)
        let whole = values.count / lanes
        return [UInt64](capacity: wordCount(dimension: values.count)) { words in
            switch lanes {
            case 2:
                for word in 0..<whole {
                    words.append(source.word(2 &* word) &+ (source.word(2 &* word &+ 1) &<< width))
                }
            case 3:
                for word in 0..<whole {
                    let upper = source.word(3 &* word &+ 1) &+ (source.word(3 &* word &+ 2) &<< width)
                    words.append(source.word(3 &* word) &+ (upper &<< width))
                }
            default:
                for word in 0..<whole {
                    let lower = source.word(4 &* word) &+ (source.word(4 &* word &+ 1) &<< width)
                    let upper = source.word(4 &* word &+ 2) &+ (source.word(4 &* word &+ 3) &<< width)
                    words.append(lower &+ (upper &<< (2 &* width)))
                }
            }
            if whole * lanes < values.count {
                var last: UInt64 = 0
                for index in (whole * lanes..<values.count).reversed() { last = (last &<< width) &+ source.word(index) }
                words.append(last)
            }
        }
    }

    /// Reads the integer sum back from the sum of packed vectors, each coordinate centred into
    /// [−2^(bits−1), 2^(bits−1)).
    ///
    /// Adds Σ_q 2^(bits·q + bits − 1) so that no lane is negative, splits, and subtracts 2^(bits−1) again.
    /// - Parameters:
    ///   - words: exactly ``wordCount(dimension:)`` words.
    ///   - dimension: number of coordinates to return; coordinates that pad the last word are dropped.
    /// - Throws: ``VectorsError/wrongLength(of:expected:actual:)``.
    public func unpackSum(_ words: [UInt64], dimension: Int) throws(VectorsError) -> [Int64] {
        let expected = wordCount(dimension: dimension)
        guard dimension >= 0, words.count == expected else {
            throw .wrongLength(of: "packed vector", expected: expected, actual: words.count)
        }
        let half = UInt64(1) << UInt64(bits - 1)
        var offset: UInt64 = 0
        for lane in 0..<lanes { offset |= half << UInt64(bits * lane) }
        let mask = (half << 1) &- 1
        let width = UInt64(bits)
        let centre = Int64(bitPattern: half)
        let source = words.span
        let whole = dimension / lanes
        return [Int64](capacity: dimension) { values in
            switch lanes {
            case 2:
                for word in 0..<whole {
                    let lifted = source[word] &+ offset
                    values.append(Int64(bitPattern: lifted & mask) &- centre)
                    values.append(Int64(bitPattern: (lifted &>> width) & mask) &- centre)
                }
            case 3:
                for word in 0..<whole {
                    let lifted = source[word] &+ offset
                    values.append(Int64(bitPattern: lifted & mask) &- centre)
                    values.append(Int64(bitPattern: (lifted &>> width) & mask) &- centre)
                    values.append(Int64(bitPattern: (lifted &>> (2 &* width)) & mask) &- centre)
                }
            default:
                for word in 0..<whole {
                    let lifted = source[word] &+ offset
                    values.append(Int64(bitPattern: lifted & mask) &- centre)
                    values.append(Int64(bitPattern: (lifted &>> width) & mask) &- centre)
                    values.append(Int64(bitPattern: (lifted &>> (2 &* width)) & mask) &- centre)
                    values.append(Int64(bitPattern: (lifted &>> (3 &* width)) & mask) &- centre)
                }
            }
            if whole * lanes < dimension {
                var lifted = source[whole] &+ offset
                for _ in whole * lanes..<dimension {
                    values.append(Int64(bitPattern: lifted & mask) &- centre)
                    lifted = lifted &>> width
                }
            }
        }
    }
}

extension Span<Int64> {
    /// The two's complement of a coordinate.
    @inline(__always)
    fileprivate func word(_ index: Int) -> UInt64 { UInt64(bitPattern: self[index]) }
}

/// Arithmetic on vectors of 64-bit words, modulo 2^64.
public enum WordVector {
    /// Adds `addend` to `sum`, element by element, modulo 2^64.
    /// - Throws: ``VectorsError/wrongLength(of:expected:actual:)``; `sum` is then unchanged.
    public static func add(_ addend: [UInt64], into sum: inout [UInt64]) throws(VectorsError) {
        guard addend.count == sum.count else {
            throw .wrongLength(of: "addend", expected: sum.count, actual: addend.count)
        }
        try add(addend, into: &sum, from: 0)
    }

    /// Adds `addend` to the elements of `sum` that start at `start`, modulo 2^64: how a chunk of an upload is folded.
    /// - Throws: ``VectorsError/wrongLength(of:expected:actual:)`` if the range does not lie inside `sum`, which is then
    ///   unchanged.
    public static func add(_ addend: [UInt64], into sum: inout [UInt64], from start: Int) throws(VectorsError) {
        guard start >= 0, start <= sum.count, addend.count <= sum.count - start else {
            throw .wrongLength(of: "addend", expected: max(0, sum.count - max(0, start)), actual: addend.count)
        }
        if start == 0, addend.count == sum.count {
            for index in sum.indices { sum[index] &+= addend[index] }
        } else {
            for index in addend.indices { sum[start + index] &+= addend[index] }
        }
    }

    /// Adds `addend` to `sum`, element by element, modulo 2^64, in memory the caller lends.
    /// - Throws: ``VectorsError/wrongLength(of:expected:actual:)`` unless both have the same length.
    public static func add(_ addend: Span<UInt64>, into sum: inout MutableSpan<UInt64>) throws(VectorsError) {
        guard addend.count == sum.count else {
            throw .wrongLength(of: "addend", expected: sum.count, actual: addend.count)
        }
        for index in 0..<addend.count { sum[index] &+= addend[index] }
    }
}
