/// What can go wrong at the door to OpenSSL. No case carries key material or data; every description is safe to log.
public enum CryptographyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A value that must have a fixed length has another one.
    case wrongLength(of: String, expected: Int, actual: Int)
    /// A public key is not canonical, or is a point of small order (RFC 7748 section 6.1, RFC 8032 section 5.1.3).
    case unacceptablePublicKey(String)
    /// Authenticated decryption refused the ciphertext, the tag, the nonce or the associated data.
    case authenticationFailed
    /// The text is not the canonical encoding of bytes.
    case malformedEncoding(String)
    /// The random generator did not deliver. Callers stop: a predictable key is worse than none.
    case randomnessUnavailable
    /// OpenSSL refused an operation that cannot fail for well-formed input (memory, build without an algorithm).
    case operationFailed(String)

    /// Safe to log: carries no secret and no customer data.
    public var description: String {
        switch self {
        case .wrongLength(let of, let expected, let actual): "\(of): expected \(expected) bytes, got \(actual)"
        case .unacceptablePublicKey(let kind): "\(kind) public key is not canonical or has small order"
        case .authenticationFailed: "authenticated decryption failed"
        case .malformedEncoding(let what): "malformed \(what)"
        case .randomnessUnavailable: "the random generator is unavailable"
        case .operationFailed(let operation): "OpenSSL refused \(operation)"
        }
    }
}

/// Throws unless an OpenSSL call returned its success value, 1.
@inline(__always)
func check(_ result: Int32, _ operation: String) throws(CryptographyError) {
    if result != 1 { throw .operationFailed(operation) }
}

/// Throws unless `bytes` has exactly `expected` elements.
@inline(__always)
func checkLength(_ actual: Int, _ expected: Int, of name: String) throws(CryptographyError) {
    if actual != expected { throw .wrongLength(of: name, expected: expected, actual: actual) }
}
