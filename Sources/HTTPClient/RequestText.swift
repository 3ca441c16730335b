// The parts of a request that come from strings, checked so that no caller can smuggle a second header or another host.

enum RequestText {
    /// `https://host[:port]` without a trailing slash, or nil.
    static func origin(_ baseURL: String) -> String? {
        let scheme = "https://"
        guard baseURL.utf8.starts(with: scheme.utf8) else { return nil }
        var authority = baseURL.utf8.dropFirst(scheme.utf8.count)
        if authority.last == UInt8(ascii: "/") { authority.removeLast() }
        var host = authority
        if let bracket = authority.lastIndex(of: UInt8(ascii: "]")) {
            guard authority.first == UInt8(ascii: "[") else { return nil }
            host = authority[...bracket]
            let address = host.dropFirst().dropLast()
            guard !address.isEmpty,
                address.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return nil }
        } else {
            host = authority.prefix { $0 != UInt8(ascii: ":") }
            guard !host.isEmpty,
                host.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
            else { return nil }
        }
        let rest = authority[host.endIndex...]
        if !rest.isEmpty {
            let port = String(Substring(rest.dropFirst()))
            guard rest.first == UInt8(ascii: ":"), port.utf8.allSatisfy(isDigit), let number = UInt16(port), number > 0
            else { return nil }
        }
        return scheme + String(Substring(authority))
    }

    /// Path and query as they are sent, or nil.
    static func target(path: String, query: [String: String]) -> String? {
        guard path.utf8.first == UInt8(ascii: "/"),
            path.utf8.allSatisfy({ isUnreserved($0) || "/%!$&'()*+,;=:@".utf8.contains($0) })
        else { return nil }
        if query.isEmpty { return path }
        let fields = query.sorted { $0.key < $1.key }.map { "\(encoded($0.key))=\(encoded($0.value))" }
        return "\(path)?\(fields.joined(separator: "&"))"
    }

    /// Header lines as libcurl takes them, or nil if a name is no token (RFC 9110 section 5.6.2) or a value has control
    /// characters or is not ASCII.
    static func lines(_ fields: [String: String]) -> [String]? {
        var lines: [String] = []
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, name.utf8.allSatisfy({ isLetterOrDigit($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }),
                !value.isEmpty, value.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
            else { return nil }
            lines.append("\(name): \(value)")
        }
        return lines
    }

    static func encoded(_ text: String) -> String {
        var result: [UInt8] = []
        let digits = [UInt8]("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if isUnreserved(byte) {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool { isLetterOrDigit(byte) || "-._~".utf8.contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
