/// Why a message, a parameter or a step of the protocol was refused. Carries names and bounds, never data or keys.
public enum SecureAggregationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The register contradicts itself or its policy.
    case invalidRegister(String)
    /// A bound of the parameters cannot be met; the text says which, and what would do.
    case infeasible(String)
    /// A field of an offer, proposal or request differs from what this party computed itself.
    case mismatch(field: String)
    /// A signature does not verify under the key that the register, the epoch or the plan names.
    case badSignature(of: String)
    /// A message names a node, committee member, session or prekey that is not known here.
    case unknown(String)
    /// A message repeats one that was accepted, with other content.
    case conflict(String)
    /// A message came when its phase was over, or before it began.
    case wrongPhase(String)
    /// A deadline has passed.
    case tooLate(String)
    /// This prekey or sequence number was used before. It stays burned.
    case alreadyUsed(String)
    /// A committee lock forbids the answer: another label, session or round was promised before.
    case locked(String)
    /// A share, key or seed does not match its commitment.
    case badShare(String)
    /// A leaf is not under the root that its dealer signed: whoever handed it over made it up, and the dealer is not to
    /// blame.
    case notUnderSignedRoot(String)
    /// Too few survivors, votes or shares to go on.
    case tooFew(String, have: Int, need: Int)
    /// A survivor set would leave some survivor with too few surviving neighbours.
    case disconnected
    /// A value could not be decoded or a primitive refused it.
    case malformed(String)

    /// Safe to log: carries no secret and no customer data.
    public var description: String {
        switch self {
        case .invalidRegister(let why): "register: \(why)"
        case .infeasible(let why): "parameters: \(why)"
        case .mismatch(let field): "\(field) differs from the value computed here"
        case .badSignature(let of): "signature of \(of) does not verify"
        case .unknown(let what): "unknown \(what)"
        case .conflict(let what): "\(what) was accepted with other content"
        case .wrongPhase(let what): "\(what) does not fit this phase"
        case .tooLate(let what): "\(what) came after its deadline"
        case .alreadyUsed(let what): "\(what) was used before"
        case .locked(let what): "a committee lock forbids \(what)"
        case .badShare(let what): "\(what) does not match its commitment"
        case .notUnderSignedRoot(let what): "\(what) is not under the root that its dealer signed"
        case .tooFew(let what, let have, let need): "\(have) \(what), \(need) needed"
        case .disconnected: "a window of the ring holds too few survivors"
        case .malformed(let what): "malformed \(what)"
        }
    }
}

/// Runs `body` and reports failures of decoding or of a primitive as ``SecureAggregationError/malformed(_:)``.
func refusing<Result>(
    as name: String, _ body: () throws -> Result
) throws(SecureAggregationError) -> Result {
    do {
        return try body()
    } catch let error as SecureAggregationError {
        throw error
    } catch {
        throw .malformed(name)
    }
}
