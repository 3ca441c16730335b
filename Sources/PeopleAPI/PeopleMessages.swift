// The JSON that engineers, officers, operators and auditors read and write: one declaration for who answers and who asks.
// Protocols/people-api.yaml describes it for everyone else.

/// Answer to a proposed task.
public struct CreatedTask: Codable, Sendable {
    /// The job's id, 32 hexadecimal digits.
    public let job: String
    /// Names a job.
    public init(job: String) { self.job = job }
}

/// Answer to a posted model.
public struct StoredModel: Codable, Sendable {
    /// SHA-256 of the model's bytes, 64 hexadecimal digits.
    public let digest: String
    /// Names a model.
    public init(digest: String) { self.digest = digest }
}

/// Asks for rounds of a task.
public struct RoundsRequest: Codable, Sendable {
    /// Rounds in all, those before included.
    public let total: Int
    /// Asks for `total` rounds.
    public init(total: Int) { self.total = total }
}

/// Asks that a certificate be refused for ever.
public struct RevocationRequest: Codable, Sendable {
    /// SHA-256 fingerprint, 64 hexadecimal digits.
    public let certificate: String
    /// Names a certificate.
    public init(certificate: String) { self.certificate = certificate }
}

/// One task, as people see it.
public struct TaskSummary: Codable, Sendable {
    /// The job's id, 32 hexadecimal digits.
    public let job: String
    /// The plan's name.
    public let name: String
    /// The plan's purpose, as text.
    public let purpose: String
    /// SPIFFE id of who proposed it.
    public let proposedBy: String
    /// SPIFFE id of who approved it; nil before.
    public let approvedBy: String?
    /// SPIFFE id of who stopped it; nil while it may run.
    public let stoppedBy: String?
    /// Rounds asked for.
    public let roundsRequested: Int
    /// Rounds that released a model.
    public let roundsReleased: Int
    /// Rounds the plan has.
    public let roundsPlanned: Int
    /// Privacy spent: ε at `delta`.
    public let epsilonSpent: Double
    /// The most that may be spent: ε at `delta`.
    public let epsilonCap: Double
    /// δ of both.
    public let delta: Double
    /// SHA-256 of the newest model.
    public let model: String
    /// The plan's digest.
    public let plan: String

    /// Collects the fields.
    public init(
        job: String, name: String, purpose: String, proposedBy: String, approvedBy: String?, stoppedBy: String?,
        roundsRequested: Int, roundsReleased: Int, roundsPlanned: Int, epsilonSpent: Double, epsilonCap: Double,
        delta: Double, model: String, plan: String
    ) {
        self.job = job
        self.name = name
        self.purpose = purpose
        self.proposedBy = proposedBy
        self.approvedBy = approvedBy
        self.stoppedBy = stoppedBy
        self.roundsRequested = roundsRequested
        self.roundsReleased = roundsReleased
        self.roundsPlanned = roundsPlanned
        self.epsilonSpent = epsilonSpent
        self.epsilonCap = epsilonCap
        self.delta = delta
        self.model = model
        self.plan = plan
    }
}
