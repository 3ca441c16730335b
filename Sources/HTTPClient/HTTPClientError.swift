// What can go wrong between a node and the coordinator, told apart by what the caller can do about it.

import Identity

/// Why a request got no answer. Every description is safe to log: no address, path or content.
public enum HTTPClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What spoke against the TLS connection.
    public enum TLSFault: String, Equatable, Sendable {
        /// The server's certificate is not of the chain, not for this host, expired, or its TLS is older than 1.3.
        case serverNotTrusted = "the server's certificate is not accepted"
        /// The server sent an alert: it does not accept this client's certificate, or has no room for it.
        case refusedByServer = "the server refused this identity"
        /// The server closed a new connection before any byte of an answer. In TLS 1.3 a refused client certificate shows
        /// at the first read, so this is likely a refusal; it may also be a server that died.
        case closedBeforeResponse = "closed before any response byte, likely a refused identity"
        /// The certificate, the key or the root cannot be used on this side.
        case ownCredentials = "own certificate, key or root cannot be used"
    }

    /// The base URL is not `https://host[:port]`.
    case badBaseURL
    /// The path or a header field has a character that does not belong there.
    case badRequest
    /// The files of the own identity are refused.
    case identity(IdentityError)
    /// No connection, or it broke after it had been used. Try again later.
    case connectionFailed
    /// The connect or the whole-request time is over.
    case timedOut
    /// TLS did not come about. Trying again does not help until certificates or configuration change.
    case tlsRefused(TLSFault)
    /// The response is longer than ``HTTPClient/Configuration/maximumResponseBytes``, or its head than 64 KiB.
    case responseTooLarge
    /// The task that asked was cancelled.
    case cancelled
    /// The server does not speak HTTP/1.1, or libcurl failed; `code` is libcurl's number.
    case failed(code: Int32)

    /// Safe to log.
    public var description: String {
        switch self {
        case .badBaseURL: "base URL must be https://host[:port]"
        case .badRequest: "request path or header is malformed"
        case .identity(let error): error.description
        case .connectionFailed: "connection failed"
        case .timedOut: "timed out"
        case .tlsRefused(let fault): "TLS refused: \(fault.rawValue)"
        case .responseTooLarge: "response too large"
        case .cancelled: "cancelled"
        case .failed(let code): "request failed: libcurl \(code)"
        }
    }
}
