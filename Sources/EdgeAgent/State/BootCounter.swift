// A number outside the agent's database that only goes up: with every start, and with every promise the database takes. The
// database holds the same number. If it holds a smaller one, it is a copy from before some promise, put back.

import Locking
import Storage

/// Why an agent cannot start.
public struct BootCounterError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Safe to log.
    public let description: String
}

/// The counter's file: a decimal number. It belongs beside the keys, away from the state folder, so that restoring the one
/// does not restore the other.
final class BootCounter: Sendable {
    private let path: String
    private let highest = Locked(UInt64(0))

    init(path: String) { self.path = path }

    /// The number, or nil if there is no file.
    /// - Throws: ``BootCounterError`` if the file holds something else, or `StorageError`.
    func read() throws -> UInt64? {
        let bytes: [UInt8]
        do { bytes = try DurableFile.read(path, limit: 64) } catch {
            guard case .notFound = error else { throw error }
            return nil
        }
        let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined()
        guard let number = UInt64(text), number < 1 << 40 else {
            throw BootCounterError(description: "boot counter: the file does not hold a number")
        }
        highest.withLock { $0 = max($0, number) }
        return number
    }

    /// Makes `number` durable, unless a higher one is.
    func raise(to number: UInt64) throws {
        try highest.withLock { highest in
            guard number > highest else { return }
            try DurableFile.replace(path, with: [UInt8]("\(number)\n".utf8))
            highest = number
        }
    }
}
