// What a handler answers, and the one form in which anything is refused: problem details (RFC 9457).

/// One answer.
public struct HTTPResponse: Hashable, Sendable {
    /// A header field besides Content-Type and Content-Length.
    public struct Header: Hashable, Sendable {
        /// The field's name.
        public let name: String
        /// The field's value. A field whose name or value has a line break is not sent.
        public let value: String

        /// Names a field.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Status code, 200 to 599.
    public var status: Int
    /// Content-Type; none for an empty body.
    public var contentType: String?
    /// Further header fields.
    public var headers: [Header]
    /// The whole body.
    public var body: [UInt8]

    /// Builds an answer.
    public init(status: Int, contentType: String? = nil, headers: [Header] = [], body: [UInt8] = []) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }

    /// A further member of a problem: public values only, never data of a customer or a key.
    public enum ProblemValue: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
        ExpressibleByBooleanLiteral
    {
        /// A JSON string.
        case text(String)
        /// A JSON number. Readers may hold numbers as doubles: keep within ±2^53.
        case integer(Int64)
        /// `true` or `false`.
        case truth(Bool)

        /// A JSON string.
        public init(stringLiteral value: String) { self = .text(value) }
        /// A JSON number.
        public init(integerLiteral value: Int64) { self = .integer(value) }
        /// `true` or `false`.
        public init(booleanLiteral value: Bool) { self = .truth(value) }
    }

    /// Problem details (RFC 9457): `application/problem+json` with type, title, status, detail and further members.
    /// - Parameter type: a URI reference that names the kind of problem, stable across releases; say `urn:concord:problem:…`.
    /// - Parameter title: the kind in words, the same every time.
    /// - Parameter detail: what happened this time, safe to show.
    /// - Parameter extras: further members; one named as a standard member is dropped.
    public static func problem(
        status: Int, type: String = "about:blank", title: String, detail: String? = nil,
        extras: KeyValuePairs<String, ProblemValue> = [:], headers: [Header] = []
    ) -> HTTPResponse {
        var members = ["\"type\":\(quoted(type))", "\"title\":\(quoted(title))", "\"status\":\(status)"]
        if let detail { members.append("\"detail\":\(quoted(detail))") }
        for (name, value) in extras where !["type", "title", "status", "detail", "instance"].contains(name) {
            let text =
                switch value {
                case .text(let text): quoted(text)
                case .integer(let number): String(number)
                case .truth(let truth): String(truth)
                }
            members.append("\(quoted(name)):\(text)")
        }
        return HTTPResponse(
            status: status, contentType: "application/problem+json", headers: headers,
            body: [UInt8]("{\(members.joined(separator: ","))}".utf8))
    }

    /// A JSON string (RFC 8259 section 7); `<`, `>` and `&` escaped too, so no reader can take it for markup.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..<"\u{20}", "<", ">", "&", "\u{7f}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension HTTPResponse {
    /// The refusals that the server itself makes.
    enum Refusal {
        static func badTarget(_ fault: RequestTarget.Fault) -> HTTPResponse {
            .problem(
                status: 400, type: "urn:concord:problem:bad-request-target", title: "Bad request target",
                detail: fault.rawValue)
        }
        static let methodNotAllowed = HTTPResponse.problem(
            status: 405, type: "urn:concord:problem:method-not-allowed", title: "Method not allowed",
            headers: [Header("Allow", HTTPMethod.allCases.map(\.rawValue).joined(separator: ", "))])
        static let lengthRequired = HTTPResponse.problem(
            status: 411, type: "urn:concord:problem:length-required", title: "Length required",
            detail: "bodies are sent with Content-Length, not in chunks")
        static let unsupportedEncoding = HTTPResponse.problem(
            status: 415, type: "urn:concord:problem:content-encoding", title: "Content encoding not supported")
        static func bodyTooLarge(limit: Int) -> HTTPResponse {
            .problem(
                status: 413, type: "urn:concord:problem:body-too-large", title: "Body too large",
                extras: ["maximum_bytes": .integer(Int64(limit))])
        }
        static let overloaded = HTTPResponse.problem(
            status: 503, type: "urn:concord:problem:overloaded", title: "Too many bytes in flight",
            headers: [Header("Retry-After", "2")])
        static let handlerDeadline = HTTPResponse.problem(
            status: 503, type: "urn:concord:problem:handler-deadline", title: "The request took too long",
            headers: [Header("Retry-After", "5")])
        static let noIdentity = HTTPResponse.problem(
            status: 403, type: "urn:concord:problem:no-identity", title: "No client identity")
        static let revoked = HTTPResponse.problem(
            status: 403, type: "urn:concord:problem:identity-revoked", title: "Client identity revoked")
        static let expired = HTTPResponse.problem(
            status: 403, type: "urn:concord:problem:identity-expired", title: "Client certificate expired")
        static let stopping = HTTPResponse.problem(
            status: 503, type: "urn:concord:problem:stopping", title: "The server is stopping",
            headers: [Header("Retry-After", "5")])
    }
}
