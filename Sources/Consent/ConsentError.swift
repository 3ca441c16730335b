// The one error type of this target. It carries codes and names of fields, never a handle, a payload or a key.

import Cryptography
import MerkleLog
import WireFormat

/// Why consent evidence was refused. Every description is safe to log.
public enum ConsentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A field's value is outside its range.
    case invalid(field: String, expected: String)
    /// Bytes are not the message they should be.
    case malformed(WireFormatError)
    /// A primitive refused: wrong length, failed authentication, no randomness.
    case cryptography(CryptographyError)
    /// A Merkle proof or tree was refused.
    case proof(MerkleLogError)
    /// Payload and nonce are not the ones the leaf commits to.
    case commitmentMismatch
    /// A signature is not the expected key's signature of these bytes.
    case signatureInvalid(String)
    /// An entry was given out of order; entries enter the state one by one, because a skipped one may be a withdrawal.
    case outOfOrder(expected: Int, actual: Int)
    /// A question about a log size that the state has not reached.
    case beyondHead(size: Int)
    /// A view does not fit what it is used for.
    case viewMismatch(field: String)
    /// Proven leaves do not show what is claimed.
    case notProven(String)

    /// Safe to log: carries no secret and no customer data.
    public var description: String {
        switch self {
        case .invalid(let field, let expected): "\(field): expected \(expected)"
        case .malformed(let error): error.description
        case .cryptography(let error): error.description
        case .proof(let error): "Merkle proof refused: \(error)"
        case .commitmentMismatch: "payload does not match the leaf's commitment"
        case .signatureInvalid(let what): "signature of \(what) is not valid"
        case .outOfOrder(let expected, let actual): "entry \(actual) given where \(expected) is next"
        case .beyondHead(let size): "the state holds \(size) entries, the question asks for more"
        case .viewMismatch(let field): "the view's \(field) is not the one expected"
        case .notProven(let what): "not proven: \(what)"
        }
    }
}

extension ConsentError {
    /// Runs `body` and reports a failure of a primitive as ``cryptography(_:)``.
    static func cryptographic<Value: ~Copyable>(
        _ body: () throws(CryptographyError) -> Value
    ) throws(ConsentError) -> Value {
        do { return try body() } catch { throw .cryptography(error) }
    }

    /// Runs `body` and reports a refused proof as ``proof(_:)``.
    static func merkle<Value>(_ body: () throws(MerkleLogError) -> Value) throws(ConsentError) -> Value {
        do { return try body() } catch { throw .proof(error) }
    }
}
