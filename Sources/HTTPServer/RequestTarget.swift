// The request target, parsed strictly (RFC 9112 section 3.2.1, RFC 3986 section 3.3): origin form only, and no path that
// a file system or a router could read in two ways.

/// Path and query of a request.
package struct RequestTarget: Equatable {
    /// Why a target is refused. Carries nothing of the target.
    package enum Fault: String, Error, Equatable {
        case notOriginForm = "target is not in origin form"
        case character = "target has a character that must be percent-encoded"
        case percentEncoding = "percent encoding is malformed or not UTF-8"
        case component = "path has an empty, '.', '..' or control-character component"
        case tooManyParts = "path or query has too many parts"
        case duplicateQueryField = "query field occurs twice"
    }

    package let path: [String]
    package let query: [String: String]

    private static let maximumParts = 64

    package init(_ text: some Collection<UInt8>) throws(Fault) {
        guard text.first == UInt8(ascii: "/") else { throw .notOriginForm }
        guard text.allSatisfy(RequestTarget.isAllowed) else { throw .character }
        let halves = text.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        path = try RequestTarget.components(halves[0].dropFirst())
        query = halves.count == 2 ? try RequestTarget.fields(halves[1]) : [:]
    }

    private static func components(_ text: some Collection<UInt8>) throws(Fault) -> [String] {
        if text.isEmpty { return [] }
        var components: [String] = []
        for part in text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard components.count < maximumParts else { throw .tooManyParts }
            let component = try decoded(part)
            guard !component.isEmpty, component != ".", component != "..",
                component.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "/") })
            else { throw .component }
            components.append(component)
        }
        return components
    }

    private static func fields(_ text: some Collection<UInt8>) throws(Fault) -> [String: String] {
        var fields: [String: String] = [:]
        for field in text.split(separator: UInt8(ascii: "&")) {
            guard fields.count < maximumParts else { throw .tooManyParts }
            let halves = field.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decoded(halves[0])
            let value = halves.count == 2 ? try decoded(halves[1]) : ""
            guard fields.updateValue(value, forKey: name) == nil else { throw .duplicateQueryField }
        }
        return fields
    }

    private static func decoded(_ text: some Collection<UInt8>) throws(Fault) -> String {
        var bytes: [UInt8] = []
        var rest = text.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else {
                throw .percentEncoding
            }
            bytes.append(high << 4 | low)
        }
        guard let string = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else { throw .percentEncoding }
        return string
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Visible ASCII except what RFC 3986 never allows unencoded in a path or a query.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x21...0x7e).contains(byte) && !"\"#<>\\^`{|}".utf8.contains(byte)
    }
}
