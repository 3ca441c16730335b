// The register: who the nodes are, how many of them may be corrupt, and who sits on the standing committee. The chain's
// authority signs it, nobody else; every bound of the protocol is computed from it and never from a set the coordinator chose.

import Cryptography
import WireFormat

/// A node's number in the register. Everything that names nodes names them by this, in strictly increasing order.
public typealias NodeIndex = UInt32

/// One registered store node.
public struct RegisteredNode: Equatable, Sendable {
    /// Its number.
    public let index: NodeIndex
    /// The last component of its SPIFFE id, `spiffe://<chain>/store/<name>`.
    public let name: String
    /// The legal operator. All nodes of one operator count as corrupt together.
    public let operatorName: String
    /// The key that signs its protocol messages; not its TLS key.
    public let protocolKey: Ed25519PublicKey

    /// Describes a node.
    public init(index: NodeIndex, name: String, operatorName: String, protocolKey: Ed25519PublicKey) {
        self.index = index
        self.name = name
        self.operatorName = operatorName
        self.protocolKey = protocolKey
    }
}

/// The signed register (Protocols/secure-aggregation.md, "Register").
public struct Register: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "register"

    /// The trust domain of the chain.
    public let chain: String
    /// Counts up with every change; an epoch pins one version.
    public let version: UInt64
    /// The nodes, by strictly increasing index.
    public let nodes: [RegisteredNode]
    /// C: at most this many registered nodes are corrupt, committee members included.
    public let corruptMax: Int
    /// The committee: node indices in strictly increasing order; the position in this array is the share's x-coordinate − 1.
    public let committee: [NodeIndex]
    /// The share of nodes, in thousandths, whose absence the parameters are designed to survive.
    public let dropoutPermille: Int
    /// H("register", encoding): what epochs and sessions bind. Computed once, since every check compares it.
    public let digest: Digest

    /// At least this many honest nodes' noise is in every sum (`minAlive ≥ C + 16`).
    public static let minimumHonestSurvivors = 16
    /// r: honest committee members that may have lost their memory without harm.
    public static let forgetfulMax = 3

    /// Creates a register.
    /// - Throws: ``SecureAggregationError/invalidRegister(_:)`` naming the rule that fails.
    public init(
        chain: String, version: UInt64, nodes: [RegisteredNode], corruptMax: Int, committee: [NodeIndex],
        dropoutPermille: Int
    ) throws(SecureAggregationError) {
        guard !chain.isEmpty else { throw .invalidRegister("chain is empty") }
        guard zip(nodes, nodes.dropFirst()).allSatisfy({ $0.index < $1.index }) else {
            throw .invalidRegister("node indices do not strictly increase")
        }
        guard Set(nodes.map(\.protocolKey)).count == nodes.count, Set(nodes.map(\.name)).count == nodes.count else {
            throw .invalidRegister("two nodes share a name or a protocol key")
        }
        guard corruptMax >= 1, corruptMax < nodes.count else {
            throw .invalidRegister("corruptMax: expected 1 ..< \(nodes.count)")
        }
        guard zip(committee, committee.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw .invalidRegister("committee indices do not strictly increase")
        }
        let known = Set(nodes.map(\.index))
        guard committee.allSatisfy(known.contains) else {
            throw .invalidRegister("the committee names an unregistered node")
        }
        guard Register.quorum(committeeSize: committee.count, corruptMax: corruptMax) <= committee.count else {
            throw .invalidRegister(
                "a committee of \(committee.count) cannot form a quorum against \(corruptMax) corrupt")
        }
        guard (0..<1000).contains(dropoutPermille) else {
            throw .invalidRegister("dropoutPermille: expected 0 ..< 1000")
        }
        self.chain = chain
        self.version = version
        self.nodes = nodes
        self.corruptMax = corruptMax
        self.committee = committee
        self.dropoutPermille = dropoutPermille
        cborValue = Self.encode(
            chain: chain, version: version, nodes: nodes, corruptMax: corruptMax, committee: committee,
            dropoutPermille: dropoutPermille)
        digest = SHA256.tagged("register", cborValue.encoded())
    }

    /// l = ⌊(L + C + r)/2⌋ + 1: two quorums share an honest member that remembers, so 2l > L + C + r.
    public static func quorum(committeeSize: Int, corruptMax: Int) -> Int {
        (committeeSize + corruptMax + forgetfulMax) / 2 + 1
    }

    /// The quorum of this register's committee.
    public var quorum: Int { Register.quorum(committeeSize: committee.count, corruptMax: corruptMax) }

    /// Complaints about one deal that are borne: min(C, L − l). Up to C may be lies, and with more than L − l bad shares the
    /// secret might not open. A deal with more is not used; with more than C its dealer is to blame.
    public var toleratedComplaints: Int { max(0, min(corruptMax, committee.count - quorum)) }

    /// The smallest survivor set that any session may label alive.
    public var smallestMinAlive: Int { corruptMax + Register.minimumHonestSurvivors }

    /// C for a fraction of corrupt nodes: max(1, ⌈fraction · registered⌉), the fraction in thousandths.
    public static func corruptMax(registered: Int, permille: Int) -> Int {
        max(1, (registered * permille + 999) / 1000)
    }

    /// The node with `index`.
    public func node(_ index: NodeIndex) -> RegisteredNode? {
        var low = 0
        var high = nodes.count
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low < nodes.count && nodes[low].index == index ? nodes[low] : nil
    }

    /// The committee position of `index`, if it has a seat.
    public func committeePosition(of index: NodeIndex) -> Int? { committee.firstIndex(of: index) }

    /// The message as CBOR.
    public let cborValue: CBORValue

    private static func encode(
        chain: String, version: UInt64, nodes: [RegisteredNode], corruptMax: Int, committee: [NodeIndex],
        dropoutPermille: Int
    ) -> CBORValue {
        .message(
            (1, .text(chain)), (2, .unsigned(version)),
            (
                3,
                .array(
                    nodes.map { node in
                        .message(
                            (1, .unsigned(UInt64(node.index))), (2, .text(node.name)), (3, .text(node.operatorName)),
                            (4, .bytes(node.protocolKey.bytes)))
                    })
            ),
            (4, .unsigned(UInt64(corruptMax))), (5, .array(committee.map { .unsigned(UInt64($0)) })),
            (6, .unsigned(UInt64(dropoutPermille))))
    }

    /// Reads and validates a register.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let chain = try fields.text(1, "chain", maximum: 255)
        let version = try fields.unsigned(2, "version")
        let nodes = try fields.array(3, "nodes") { (value) throws(WireFormatError) -> RegisteredNode in
            var entry = try MessageReader(value, message: "register.node")
            let index = NodeIndex(try entry.unsigned(1, "index", in: 0...UInt64(NodeIndex.max)))
            let name = try entry.text(2, "name", maximum: 255)
            let operatorName = try entry.text(3, "operator", maximum: 255)
            let key = try entry.ed25519Key(4, "protocolKey")
            try entry.finish()
            return RegisteredNode(index: index, name: name, operatorName: operatorName, protocolKey: key)
        }
        let corruptMax = try fields.integer(4, "corruptMax", in: 1...1_000_000)
        let committee = try fields.array(5, "committee") { (value) throws(WireFormatError) -> NodeIndex in
            try value.nodeIndex("register.committee")
        }
        let dropout = try fields.integer(6, "dropoutPermille", in: 0...999)
        do {
            try self.init(
                chain: chain, version: version, nodes: nodes, corruptMax: corruptMax, committee: committee,
                dropoutPermille: dropout)
        } catch {
            throw .unexpected(field: "register", expected: error.description)
        }
    }
}
