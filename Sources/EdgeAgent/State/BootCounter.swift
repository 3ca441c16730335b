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
    private struct State {
        var highest: UInt64 = 0
        var hasFailed = false
    }
    private let state = Locked(State())

    private let faults: StorageFaults

    /// - Parameter faults: for tests.
    init(path: String, faults: StorageFaults = .none) {
        self.path = path
        self.faults = faults
    }

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
        state.withLock { $0.highest = max($0.highest, number) }
        return number
    }

    /// Makes a file with the number 0, unless there is one.
    /// - Throws: `StorageError`.
    func create() throws { _ = try DurableFile.create(path, with: [UInt8]("0\n".utf8), faults: faults) }

    /// Makes `number` durable, unless a higher one is.
    /// - Throws: `StorageError`; after that ``requireWritable()`` throws too.
    func raise(to number: UInt64) throws {
        try state.withLock { state in
            guard number > state.highest else { return }
            do { try DurableFile.replace(path, with: [UInt8]("\(number)\n".utf8), faults: faults) } catch {
                state.hasFailed = true
                throw error
            }
            state.highest = number
        }
    }

    /// - Throws: ``BootCounterError`` once a raise has failed in this process.
    func requireWritable() throws {
        guard state.withLock({ !$0.hasFailed }) else {
            throw BootCounterError(
                description: "boot counter: its file could not be written; make it writable and start the agent again. "
                    + "Until then this node promises nothing")
        }
    }
}
