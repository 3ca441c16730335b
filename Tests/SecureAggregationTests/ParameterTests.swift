// Parameters against exact integer arithmetic, and the rules a register must keep.

import Cryptography
import TestSupport
import Testing

@testable import SecureAggregation

struct ParameterTests {
    struct Row: Sendable {
        let registered: Int
        let corruptMax: Int
        /// k for 10 % and for 20 % absent.
        let neighbours: [Int]
        let committee: (size: Int, quorum: Int)
    }

    /// Computed with integers of any size (Python's `math.comb` and `fractions`), γ = 5 %.
    static let published: [Row] = [
        Row(registered: 64, corruptMax: 4, neighbours: [20, 30], committee: (30, 19)),
        Row(registered: 100, corruptMax: 5, neighbours: [24, 34], committee: (35, 22)),
        Row(registered: 300, corruptMax: 15, neighbours: [44, 60], committee: (63, 41)),
        Row(registered: 1000, corruptMax: 50, neighbours: [98, 126], committee: (134, 94)),
    ]

    @Test(arguments: published) func tableOfTheSpecification(row: Row) throws {
        #expect(Register.corruptMax(registered: row.registered, permille: 50) == row.corruptMax)
        for (index, dropout) in [100, 200].enumerated() {
            let register = try Self.register(
                nodes: row.registered, corruptMax: row.corruptMax, dropoutPermille: dropout)
            let ring = try #require(
                ProtocolParameters.ringParameters(
                    cohort: row.registered, corruptMax: register.corruptMax, dropoutPermille: register.dropoutPermille))
            #expect(ring.neighbours == row.neighbours[index])
            #expect(ring.corruptHalf == row.corruptMax / 2)
        }
        let size = ProtocolParameters.smallestCommittee(
            registered: row.registered, corruptMax: row.corruptMax, dropoutPermille: 100)
        #expect(size == row.committee.size)
        #expect(
            Register.quorum(committeeSize: row.committee.size, corruptMax: row.corruptMax) == row.committee.quorum)
    }

    struct Point: Sendable {
        let registered: Int
        let corruptMax: Int
        /// k for 0, 5, 10 and 30 % absent.
        let neighbours: [Int]
        /// L for 0, 5 and 10 % absent.
        let committees: [Int]
    }

    /// The same exact computation at sizes between those of the table.
    static let exact: [Point] = [
        Point(registered: 40, corruptMax: 1, neighbours: [2, 6, 10, 26], committees: [7, 11, 15]),
        Point(registered: 40, corruptMax: 4, neighbours: [6, 10, 14, 30], committees: [16, 20, 24]),
        Point(registered: 80, corruptMax: 8, neighbours: [10, 18, 26, 50], committees: [28, 36, 44]),
        Point(registered: 150, corruptMax: 3, neighbours: [4, 18, 24, 44], committees: [13, 23, 31]),
        Point(registered: 150, corruptMax: 15, neighbours: [16, 32, 40, 70], committees: [45, 57, 69]),
        Point(registered: 301, corruptMax: 7, neighbours: [8, 26, 34, 58], committees: [21, 33, 43]),
        Point(registered: 301, corruptMax: 31, neighbours: [32, 56, 66, 108], committees: [73, 93, 115]),
        Point(registered: 400, corruptMax: 40, neighbours: [42, 68, 82, 128], committees: [86, 108, 134]),
        Point(registered: 500, corruptMax: 50, neighbours: [52, 82, 96, 150], committees: [102, 126, 156]),
    ]

    @Test(arguments: exact) func exactComputationElsewhere(point: Point) throws {
        for (index, dropout) in [0, 50, 100, 300].enumerated() {
            let register = try Self.register(
                nodes: point.registered, corruptMax: point.corruptMax, dropoutPermille: dropout)
            let ring = ProtocolParameters.ringParameters(
                cohort: point.registered, corruptMax: register.corruptMax, dropoutPermille: register.dropoutPermille)
            #expect(ring?.neighbours == point.neighbours[index], "\(dropout)")
        }
        for (index, dropout) in [0, 50, 100].enumerated() {
            #expect(
                ProtocolParameters.smallestCommittee(
                    registered: point.registered, corruptMax: point.corruptMax, dropoutPermille: dropout)
                    == point.committees[index])
        }
        #expect(
            ProtocolParameters.smallestCommittee(registered: 10, corruptMax: 9, dropoutPermille: 100) == nil)
    }

    /// Two quorums share a member that is neither corrupt nor forgetful, and no smaller quorum does.
    @Test func quorumsIntersectInARememberingHonestMember() {
        for committee in 3...150 {
            for corrupt in 1...60 {
                let quorum = Register.quorum(committeeSize: committee, corruptMax: corrupt)
                #expect(2 * quorum > committee + corrupt + 3 && 2 * (quorum - 1) <= committee + corrupt + 3)
            }
        }
    }

    @Test func theGraphIsCompleteUpToItsLimit() throws {
        let register = try Self.register(nodes: 320, corruptMax: 8, dropoutPermille: 100)
        let limit = ProtocolParameters.completeGraphLimit
        #expect(try ProtocolParameters.derive(register: register, cohort: limit).neighbours == limit - 1)
        #expect(try ProtocolParameters.derive(register: register, cohort: limit + 1).neighbours < limit)
        #expect(throws: SecureAggregationError.self) {
            try ProtocolParameters.derive(register: register, cohort: register.smallestMinAlive - 1)
        }
        #expect(throws: SecureAggregationError.self) { try ProtocolParameters.derive(register: register, cohort: 321) }
    }

    // MARK: Register

    static let keys = Result {
        try (0..<1000).map { index in
            try Ed25519PrivateKey(
                SecretBytes(copying: SHA256.tagged("parameter-test", bigEndian(UInt32(index))).bytes)
            ).publicKey
        }
    }

    static func register(
        nodes count: Int, corruptMax: Int, dropoutPermille: Int = 100, committee: [NodeIndex]? = nil
    ) throws -> Register {
        let keys = try keys.get()
        return try Register(
            chain: "test.example", version: 1,
            nodes: (0..<count).map {
                RegisteredNode(index: NodeIndex($0), name: "s\($0)", operatorName: "o", protocolKey: keys[$0])
            },
            corruptMax: corruptMax, committee: committee ?? (0..<NodeIndex(count)).map { $0 },
            dropoutPermille: dropoutPermille)
    }

    @Test func registersThatContradictThemselvesAreRefused() throws {
        let keys = try Self.keys.get()
        func node(_ index: NodeIndex, _ name: String, _ key: Int) -> RegisteredNode {
            RegisteredNode(index: index, name: name, operatorName: "o", protocolKey: keys[key])
        }
        let good = (0..<8).map { node(NodeIndex($0), "s\($0)", $0) }
        func make(
            chain: String = "c", nodes: [RegisteredNode]? = nil, corruptMax: Int = 1,
            committee: [NodeIndex] = [0, 1, 2, 3, 4, 5], dropout: Int = 100
        ) throws(SecureAggregationError) -> Register {
            try Register(
                chain: chain, version: 1, nodes: nodes ?? good, corruptMax: corruptMax, committee: committee,
                dropoutPermille: dropout)
        }
        #expect(throws: Never.self) { try make() }
        var unordered = good
        unordered.swapAt(2, 3)
        var sameIndex = good
        sameIndex[3] = node(2, "s3", 3)
        var sameKey = good
        sameKey[3] = node(3, "s3", 2)
        var sameName = good
        sameName[3] = node(3, "s2", 3)
        for nodes in [unordered, sameIndex, sameKey, sameName] {
            #expect(throws: SecureAggregationError.self) { try make(nodes: nodes) }
        }
        // Row 13: one place for each node, whatever else of it differs.
        var twice = good
        twice[7] = node(6, "s7", 7)
        for nodes in [unordered, twice] {
            #expect(throws: SecureAggregationError.invalidRegister("node indices do not strictly increase")) {
                try make(nodes: nodes)
            }
        }
        for committee: [NodeIndex] in [
            [0, 1, 2, 3, 5, 4], [0, 1, 2, 3, 3, 4], [0, 1, 2, 3, 4, 9], [0, 1, 2, 3], [],
        ] {
            #expect(throws: SecureAggregationError.self) { try make(committee: committee) }
        }
        for corruptMax in [-1, 0, 3, 8, Int.max / 2] {
            #expect(throws: SecureAggregationError.self) { try make(corruptMax: corruptMax) }
        }
        for dropout in [-1, 1000] { #expect(throws: SecureAggregationError.self) { try make(dropout: dropout) } }
        #expect(throws: SecureAggregationError.self) { try make(chain: "") }
        #expect(throws: SecureAggregationError.self) { try make(nodes: []) }
    }

    @Test func nodesAreFoundByIndex() throws {
        let register = try Self.register(nodes: 9, corruptMax: 1)
        for index in NodeIndex(0)..<9 { #expect(register.node(index)?.index == index) }
        #expect(register.node(9) == nil && register.node(.max) == nil)
        #expect(register.committeePosition(of: 4) == 4 && register.committeePosition(of: 40) == nil)
        #expect(CommitteeMember(node: 40, register: register) == nil)
    }
}
