// What the parts of a bundle read beyond the common readers.

import Cryptography
import WireFormat

extension MessageReader {
    /// Takes a 32-byte digest.
    mutating func digest(_ key: UInt64, _ name: String) throws(WireFormatError) -> Digest {
        let bytes = try bytes(key, name, count: Digest.byteCount)
        do { return try Digest(bytes) } catch { throw .unexpected(field: name, expected: "32 bytes") }
    }

    /// Takes the hashes of a Merkle proof, one after the other in one byte string. No proof has more than 64: a path of
    /// a tree with 2^63 leaves is 63 hashes long, and a consistency proof has one more.
    mutating func proofHashes(_ key: UInt64, _ name: String) throws(WireFormatError) -> [Digest] {
        let path = try bytes(key, name, maximum: 64 * Digest.byteCount)
        var hashes: [Digest] = []
        for start in stride(from: 0, to: path.count, by: Digest.byteCount) {
            do {
                hashes.append(try Digest(path[start..<min(start + Digest.byteCount, path.count)]))
            } catch {
                throw .unexpected(field: name, expected: "hashes of 32 bytes")
            }
        }
        return hashes
    }

    /// Takes a node's register index.
    mutating func node(_ key: UInt64, _ name: String) throws(WireFormatError) -> UInt32 {
        UInt32(try unsigned(key, name, in: 0...UInt64(UInt32.max)))
    }

    /// Takes a message if it is there.
    mutating func optionalMessage<Message: WireMessage>(
        _ key: UInt64, as type: Message.Type = Message.self
    ) throws(WireFormatError) -> Message? {
        guard let value = optionalField(key) else { return nil }
        return try Message(cborValue: value)
    }
}

extension CBORValue {
    /// The hashes of a Merkle proof, one after the other.
    static func proofHashes(_ hashes: [Digest]) -> CBORValue { .bytes(hashes.flatMap(\.bytes)) }
}
