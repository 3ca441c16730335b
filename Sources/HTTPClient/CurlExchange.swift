// One request on its way through libcurl: what is sent, and what its callbacks have collected so far.

import CCurl
import Synchronization

/// A request and its growing answer.
final class CurlExchange: @unchecked Sendable {
    // Proof for @unchecked Sendable: what is `let` is Sendable; what is `var` is touched by libcurl's callbacks and the transport
    // only, and those run within `perform`, on HTTPClient's serial queue. `cancelled`, which any task may set, is atomic. A lock
    // in place of the queue would be taken for every piece of a body, by the only thread that ever wants it.
    let url: String
    let method: HTTPClient.Method
    let headerLines: [String]
    let body: [UInt8]?
    let configuration: HTTPClient.Configuration
    private(set) var received: [UInt8] = []
    private(set) var headers: [String: String] = [:]
    private(set) var isTooLarge = false
    private(set) var hasResponse = false
    private var headBytes = 0
    private let cancelled = Atomic(false)

    private static let maximumHeadBytes = 64 << 10

    init(
        url: String, method: HTTPClient.Method, headerLines: [String], body: [UInt8]?,
        configuration: HTTPClient.Configuration
    ) {
        self.url = url
        self.method = method
        self.headerLines = headerLines
        self.body = body
        self.configuration = configuration
    }

    /// Asks the transfer to stop; it does so at libcurl's next progress call, within a second.
    func cancel() { cancelled.store(true, ordering: .relaxed) }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// A piece of the body. False stops the transfer.
    func append(body piece: UnsafeRawBufferPointer) -> Bool {
        guard piece.count <= configuration.maximumResponseBytes - received.count else {
            isTooLarge = true
            return false
        }
        received.append(contentsOf: piece)
        return true
    }

    /// One line of the head, the status line included. False stops the transfer.
    func append(headLine line: UnsafeRawBufferPointer) -> Bool {
        hasResponse = true
        headBytes += line.count
        guard headBytes <= CurlExchange.maximumHeadBytes else {
            isTooLarge = true
            return false
        }
        if line.starts(with: "HTTP/".utf8) { headers = [:] }  // a final head after an interim one
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return true }
        func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
            let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d || $0 == 0x0a }
            let trimmed = bytes.drop(while: isBlank)
            let end = trimmed.lastIndex { !isBlank($0) }.map { trimmed.index(after: $0) } ?? trimmed.startIndex
            return String(decoding: trimmed[..<end], as: UTF8.self)
        }
        headers[text(line[..<colon]).lowercased()] = text(line[(colon + 1)...])
        return true
    }
}
