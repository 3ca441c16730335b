// Processes of the demonstration: started, watched, and killed without warning. (SIGKILL is not a power cut: what the
// kernel has buffered still reaches the disk. Flushes are tested elsewhere.)

import Glibc

/// A child process that cannot be started.
struct SpawnError: Error, CustomStringConvertible {
    let program: String
    let code: Int32
    var description: String { "cannot start \(program) (errno \(code))" }
}

/// One running program, its output in files.
final class ChildProcess {
    let identifier: pid_t
    private var reaped = false

    /// Starts `program` with its standard output and error appended to `log`.
    init(program: String, arguments: [String], log: String) throws(SpawnError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var child = pid_t()
        let vector = ([program] + arguments).map { strdup($0) }
        defer { vector.forEach { free($0) } }
        let code = posix_spawn(&child, program, &actions, nil, vector + [nil], environ)
        guard code == 0 else { throw SpawnError(program: program, code: code) }
        identifier = child
    }

    /// Whether the process still runs.
    var isRunning: Bool {
        if reaped { return false }
        var status: Int32 = 0
        if waitpid(identifier, &status, WNOHANG) == identifier { reaped = true }
        return !reaped
    }

    /// SIGKILL, and waits until the process is gone.
    func killNow() {
        guard !reaped else { return }
        kill(identifier, SIGKILL)
        var status: Int32 = 0
        waitpid(identifier, &status, 0)
        reaped = true
    }

    /// SIGTERM, then SIGKILL after `seconds`.
    func stop(withinSeconds seconds: Double) async {
        guard isRunning else { return }
        kill(identifier, SIGTERM)
        for _ in 0..<Int(seconds * 50) {
            if !isRunning { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
        killNow()
    }

    /// SIGTERM, without waiting.
    func requestStop() {
        if isRunning { kill(identifier, SIGTERM) }
    }

    /// Proportional set size in bytes: shared pages count once over all processes.
    var memoryBytes: Int { Self.memoryBytes(of: String(identifier)) }

    /// The same of the calling process.
    static var ownMemoryBytes: Int { memoryBytes(of: "self") }

    private static func memoryBytes(of process: String) -> Int {
        guard let file = fopen("/proc/\(process)/smaps_rollup", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = line.withUnsafeBufferPointer {
                String(decoding: $0.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
            if text.hasPrefix("Pss:"), let kilobytes = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
            {
                return kilobytes * 1024
            }
        }
        return 0
    }

    deinit { killNow() }
}
