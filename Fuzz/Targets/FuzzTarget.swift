// What a fuzzer calls: one entry point a decoder. The same entry points replay the kept corpus in the unit tests, so what a
// fuzzer once found is found again without one.

import WireFormat

/// A decoder that broke a promise without trapping.
public struct FuzzFinding: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was promised.
    public let description: String
}

/// One decoder that meets bytes from a peer or a file. It may refuse any input; it must not trap, and what it accepts must
/// keep the promise of its format, which for a deterministic encoding is to be written again as the same bytes.
public struct FuzzTarget: Sendable {
    /// Names the corpus folder.
    public let name: String
    /// Longest input worth trying, in bytes.
    public let maximumLength: Int
    private let body: @Sendable ([UInt8]) throws(FuzzFinding) -> Void

    init(
        _ name: String, maximumLength: Int = 4_096, _ body: @escaping @Sendable ([UInt8]) throws(FuzzFinding) -> Void
    ) {
        self.name = name
        self.maximumLength = maximumLength
        self.body = body
    }

    /// Decodes `bytes`.
    /// - Throws: ``FuzzFinding`` if a promise is broken.
    public func run(_ bytes: [UInt8]) throws(FuzzFinding) { try body(bytes) }

    /// Every target.
    public static let all: [FuzzTarget] =
        foundation + aggregation + transparency + consent + rounds + learning + files + network

    /// The target of a name.
    public static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

    /// A message with one encoding.
    static func message<Message: WireMessage>(
        _ type: Message.Type, as name: String = Message.messageName, maximumLength: Int = 4_096,
        then: @escaping @Sendable (Message) throws(FuzzFinding) -> Void = { _ in }
    ) -> FuzzTarget {
        FuzzTarget(name, maximumLength: maximumLength) { (bytes) throws(FuzzFinding) in
            guard let message = try? Message(decoding: bytes) else { return }
            try expect(message.encoded() == bytes, "what is decoded is encoded again as the same bytes")
            try then(message)
        }
    }

    /// A text that has one form.
    static func text<Value>(
        _ name: String, maximumLength: Int = 2_048, _ parse: @escaping @Sendable (String) -> Value?,
        writing: @escaping @Sendable (Value) -> String
    ) -> FuzzTarget {
        FuzzTarget(name, maximumLength: maximumLength) { (bytes) throws(FuzzFinding) in
            // Peers' bytes become text with repairs; only what needed none has one form.
            let text = String(decoding: bytes, as: UTF8.self)
            guard let value = parse(text) else { return }
            try expect(writing(value).utf8.elementsEqual(text.utf8), "what is parsed is written again as the same text")
        }
    }
}

/// Fails unless `condition` holds.
func expect(_ condition: Bool, _ promise: String) throws(FuzzFinding) {
    if !condition { throw FuzzFinding(description: promise) }
}

/// Cuts numbers off the front of an input.
struct InputReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// The next `count` bytes as a big-endian number; missing ones are zero.
    mutating func number(_ count: Int) -> UInt64 {
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return taken.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
