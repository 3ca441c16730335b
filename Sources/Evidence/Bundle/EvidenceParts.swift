// What the coordinator collects about a job before it seals the bundle.

import Cryptography
import SecureAggregation
import WireFormat

/// Everything a bundle says about one job.
public struct EvidenceParts: Equatable, Sendable {
    /// The register, signed by the chain's authority.
    public var register: SignedMessage<Register>
    /// The plan, signed by its owner.
    public var plan: SignedPlan
    /// By strictly ascending size: the checkpoint that each round pinned, and last the one all inclusion proofs lead to.
    public var checkpoints: [CheckpointEvidence]
    /// The job's round records, by strictly ascending index.
    public var entries: [LogEntryEvidence]
    /// One for every charged round, by ascending round.
    public var attempts: [AttemptEvidence]
    /// Customers shown to have been outside a round; usually none.
    public var withdrawals: [WithdrawalEvidence]
    /// SHA-256 of the final model file.
    public var modelDigest: Digest

    /// Most items of any list: about a thousand rounds of four thousand nodes.
    static let maximumItems = 1 << 22

    /// Collects the parts.
    public init(
        register: SignedMessage<Register>, plan: SignedPlan, checkpoints: [CheckpointEvidence],
        entries: [LogEntryEvidence], attempts: [AttemptEvidence], withdrawals: [WithdrawalEvidence] = [],
        modelDigest: Digest
    ) {
        self.register = register
        self.plan = plan
        self.checkpoints = checkpoints
        self.entries = entries
        self.attempts = attempts
        self.withdrawals = withdrawals
        self.modelDigest = modelDigest
    }

    /// The parts as the bundle's map with the seal in field 9.
    func cborValue(seal: [UInt8]) -> CBORValue {
        .message(
            (1, .unsigned(EvidenceBundle.version)), (2, register.cborValue), (3, plan.cborValue),
            (4, .array(checkpoints.map(\.cborValue))), (5, .array(entries.map(\.cborValue))),
            (6, .array(attempts.map(\.cborValue))), (7, .array(withdrawals.map(\.cborValue))),
            (8, .bytes(modelDigest.bytes)), (9, .bytes(seal)))
    }

    /// Reads the parts, fields 1 to 8, and says in which one reading failed.
    init(locating fields: inout MessageReader) throws(EvidenceError) {
        _ = try EvidenceError.reading(.file) { () throws(WireFormatError) in
            try fields.unsigned(1, "version", in: EvidenceBundle.version...EvidenceBundle.version)
        }
        register = try EvidenceError.reading(.register) { () throws(WireFormatError) in
            try fields.message(2, "register")
        }
        plan = try EvidenceError.reading(.plan) { () throws(WireFormatError) in try fields.message(3, "plan") }
        checkpoints = try Self.list(4, "checkpoints", &fields) { .checkpoint($0) }
        entries = try Self.list(5, "entries", &fields) { .entry($0) }
        attempts = try Self.list(6, "attempts", &fields) { .attempt($0) }
        withdrawals = try Self.list(7, "withdrawals", &fields) { .withdrawal($0) }
        modelDigest = try EvidenceError.reading(.model) { () throws(WireFormatError) in
            try fields.digest(8, "modelDigest")
        }
    }

    private static func list<Item: WireMessage>(
        _ key: UInt64, _ name: String, _ fields: inout MessageReader, place: (Int) -> EvidenceError.Place
    ) throws(EvidenceError) -> [Item] {
        let values = try EvidenceError.reading(.file) { () throws(WireFormatError) in
            try fields.array(key, name, maximum: maximumItems) { $0 }
        }
        var items: [Item] = []
        items.reserveCapacity(values.count)
        for (position, value) in values.enumerated() {
            items.append(
                try EvidenceError.reading(place(position)) { () throws(WireFormatError) in try Item(cborValue: value) })
        }
        return items
    }
}
