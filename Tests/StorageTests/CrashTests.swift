// What a process leaves behind when it is killed, or when the disk refuses to take a write: each test runs its writer in
// a child process.

import Cryptography
import Foundation
import Storage
import Testing

/// Appends one line to a file with a single system call: what a killed process has acknowledged.
private func acknowledge(_ line: String, _ descriptor: Int32) {
    let bytes = [UInt8]((line + "\n").utf8)
    _ = write(descriptor, bytes, bytes.count)
}

/// Writes rows and files as fast as it can, acknowledging each, until SIGKILL comes.
private func writeUntilKilled(folder: String, round: Int) async throws {
    let lock = try DataDirectoryLock(path: folder)
    let database = try Database(path: folder + "/test.db", schema: testSchema)
    let store = try ContentStore(directory: folder + "/content")
    let descriptor = open(folder + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let delay = useconds_t(20_000 + (round * 37_919) % 150_000)
    Thread.detachNewThread {
        usleep(delay)
        kill(getpid(), SIGKILL)
    }
    await withTaskGroup { tasks in
        for task in 0..<8 {
            tasks.addTask {
                for step in 0... {
                    let id = round * 10_000_000 + task * 1_000_000 + step
                    _ = try? await database.write { try $0.execute("INSERT INTO item(id) VALUES(?)", id) }
                    acknowledge("row \(id)", descriptor)
                    if step % 8 == 0, let digest = try? await store.put([UInt8]("\(id)".utf8)) {
                        acknowledge("content \(digest.hex)", descriptor)
                    }
                }
            }
        }
    }
    withExtendedLifetime(lock) {}
}

@Suite struct CrashTests {
    @Test func nothingAcknowledgedIsLostToSIGKILL() async throws {
        let folder = try TemporaryFolder()
        for round in 1...12 {
            let path = folder.path
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, round = round as Int] in
                try await writeUntilKilled(folder: path, round: round)
            }
        }
        let lines = try String(contentsOfFile: folder("acknowledged"), encoding: .utf8).split(separator: "\n")
        let database = try Database(path: folder("test.db"), schema: testSchema)
        try await database.verifyIntegrity()
        let ids = Set(try await database.read { try $0.query("SELECT id FROM item") { try $0.integer(0) } })
        let store = try ContentStore(directory: folder("content"))
        var rounds = Set<Int64>()
        for line in lines {
            let words = line.split(separator: " ")
            if words[0] == "row" {
                let id = try #require(Int64(words[1]))
                rounds.insert(id / 10_000_000)
                #expect(ids.contains(id))
            } else {
                #expect(try await !store.read(Digest(hex: String(words[1]))).isEmpty)
            }
        }
        #expect(rounds.count >= 10, "most children must have acknowledged something for the test to mean anything")
        // And no part of a file is visible under any name.
        for name in folder.files where name.hasPrefix("content/") {
            let bytes = try Data(contentsOf: URL(filePath: folder(name)))
            #expect(name.hasSuffix(SHA256.hash([UInt8](bytes)).hex))
        }
    }

    @Test func aFailedWriteToTheLogStopsAllWriting() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            let database = try Database(path: path + "/test.db", schema: testSchema)
            try await database.write { try $0.execute("INSERT INTO item(id) VALUES(1)") }
            // No file may grow beyond 256 KiB: SQLite's write to its log fails with EFBIG, which it reports as an I/O error.
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 262_144, rlim_max: rlim_t.max)
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            limit.rlim_cur = 262_144
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let failure = await #expect(throws: StorageError.self) {
                try await database.write { try $0.execute("INSERT INTO item(id, body) VALUES(2, zeroblob(1000000))") }
            }
            #expect(failure?.isFatal == true)
            // The disk is well again, but what it holds is unknown to this process.
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            await #expect(throws: StorageError.refusedAfterFailure) {
                try await database.write { try $0.execute("INSERT INTO item(id) VALUES(3)") }
            }
            #expect(try await database.read { try $0.queryOne("SELECT max(id) FROM item") { try $0.integer(0) } } == 1)
        }
        // A restart finds what was acknowledged, and only that.
        let database = try Database(path: folder("test.db"), schema: testSchema)
        let ids: [Int] = try await database.read { try $0.query("SELECT id FROM item") { try $0.integer(0) } }
        #expect(ids == [1])
        try await database.verifyIntegrity()
    }
}
