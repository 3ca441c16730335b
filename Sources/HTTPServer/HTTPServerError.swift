// Why a server does not start.

import Identity

/// Why a server does not start or does not take new certificates. Every description is safe to log.
public enum HTTPServerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The configured address is no IPv4 or IPv6 address in text form, or a plain listener was given one beyond loopback.
    case badAddress
    /// The address and port cannot be bound; `code` is the system's error number.
    case bindFailed(code: Int32)
    /// The certificate, its key or the root is refused.
    case identity(IdentityError)
    /// OpenSSL or libevent refused an operation that cannot fail for well-formed input.
    case operationFailed(String)
    /// The server was started before, or stopped.
    case alreadyStarted

    /// Safe to log.
    public var description: String {
        switch self {
        case .badAddress: "listen address is malformed or not allowed"
        case .bindFailed(let code): "cannot listen: system error \(code)"
        case .identity(let error): error.description
        case .operationFailed(let operation): "cannot start: \(operation) failed"
        case .alreadyStarted: "the server was started before"
        }
    }
}
