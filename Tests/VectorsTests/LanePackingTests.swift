// Packing must be a homomorphism whatever the values: that is what makes a packed sum a function of the integer sum.

import Cryptography
import Testing
import Vectors

private func generator(_ seed: UInt8) throws -> KeyedRandomGenerator {
    try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: seed, count: 32)))
}

@Suite struct LanePackingTests {
    @Test(arguments: LaneLayout.all)
    func roundTripsEveryCoordinateInRange(layout: LaneLayout) throws {
        let top = layout.maximumCoordinate
        for dimension in 0...9 {
            let corners: [Int64] = [0, -1, 1, top, -top - 1, -top, top - 1, -2, 5]
            let values = Array(corners.prefix(dimension))
            let words = layout.pack(values)
            #expect(words.count == layout.wordCount(dimension: dimension))
            #expect(try layout.unpackSum(words, dimension: dimension) == values)
        }
    }

    /// The definition itself, with arithmetic wide enough to need no wrapping.
    @Test("Row 16: a word is the linear combination of its coordinates", arguments: LaneLayout.all)
    func wordIsTheLinearCombinationModuloTwoToThe64(layout: LaneLayout) throws {
        var random = try generator(1)
        for _ in 0..<200 {
            let values = (0..<layout.lanes).map { _ in Int64(bitPattern: random.next()) >> 24 }
            var expected: Int128 = 0
            for (lane, value) in values.enumerated() { expected += Int128(value) << Int128(layout.bits * lane) }
            #expect(layout.pack(values) == [UInt64(truncatingIfNeeded: expected)])
        }
    }

    /// Overflowing lanes included: an OR instead of an add, a clamp or a trap all fail here.
    @Test("Row 16: the sum of packed vectors is the packed sum, overflow or not", arguments: LaneLayout.all)
    func sumOfPackedIsPackedSumEvenWhenLanesOverflow(layout: LaneLayout) throws {
        var random = try generator(2)
        for dimension in [1, 5, 12] {
            var total = [Int64](repeating: 0, count: dimension)
            var packedTotal = [UInt64](repeating: 0, count: layout.wordCount(dimension: dimension))
            for _ in 0..<40 {
                let values = (0..<dimension).map { _ in Int64(bitPattern: random.next()) }
                for index in values.indices { total[index] &+= values[index] }
                try WordVector.add(layout.pack(values), into: &packedTotal)
            }
            #expect(packedTotal == layout.pack(total))
        }
    }

    @Test(arguments: LaneLayout.all)
    func sumsOfManyNodesComeBackExactly(layout: LaneLayout) throws {
        var random = try generator(3)
        let dimension = 31
        let nodes = 50
        let reach = layout.maximumCoordinate / Int64(nodes)
        var total = [Int64](repeating: 0, count: dimension)
        var packed = [UInt64](repeating: 0, count: layout.wordCount(dimension: dimension))
        for _ in 0..<nodes {
            let values = (0..<dimension).map { _ in
                Int64(random.uniform(below: UInt64(2 * reach + 1))) - reach
            }
            for index in values.indices { total[index] += values[index] }
            try WordVector.add(layout.pack(values), into: &packed)
        }
        #expect(try layout.unpackSum(packed, dimension: dimension) == total)
    }

    @Test func refusesWrongShapes() throws {
        #expect(throws: VectorsError.wrongLength(of: "packed vector", expected: 2, actual: 3)) {
            try LaneLayout.twoBy32.unpackSum([0, 0, 0], dimension: 4)
        }
        #expect(throws: VectorsError.wrongLength(of: "packed vector", expected: 0, actual: 0)) {
            try LaneLayout.twoBy32.unpackSum([], dimension: -1)
        }
        #expect(throws: VectorsError.unknownLayout(lanes: 2, bits: 31)) { try LaneLayout(lanes: 2, bits: 31) }
        for layout in LaneLayout.all {
            #expect(try LaneLayout(lanes: layout.lanes, bits: layout.bits) == layout)
        }
    }

    @Test func addsRangesAndRefusesWhatDoesNotFit() throws {
        var sum: [UInt64] = [1, .max, 3, 4]
        try WordVector.add([2, 10], into: &sum, from: 1)
        #expect(sum == [1, 1, 13, 4])
        for (addend, start) in [([UInt64](repeating: 1, count: 2), 3), ([1], -1), ([1], 5), ([1], Int.max)] {
            #expect(throws: VectorsError.self) { try WordVector.add(addend, into: &sum, from: start) }
        }
        #expect(sum == [1, 1, 13, 4])
        try WordVector.add([], into: &sum, from: 4)
        var target = sum.mutableSpan
        try WordVector.add([1, 1, 1, .max].span, into: &target)
        #expect(sum == [2, 2, 14, 3])
        #expect(throws: VectorsError.self) { try WordVector.add([1], into: &sum) }
    }
}
