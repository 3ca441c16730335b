import Benchmarking
import CommandLineKit
import Cryptography
import FoundationEssentials
import SecureAggregation

/// `concord bench`: figures beside the floor that this machine sets.
enum BenchCommand {
    static let command = Command(
        "bench", summary: "Measure Concord beside the floor that raw primitives set on this machine.",
        subcommands: [
            Command(
                "secagg", summary: "Time one round of secure aggregation.",
                discussion: """
                    One process, every party, real cryptography, no network: the state machines that the
                    coordinator and the nodes run. Uploads lie in files; unmasking streams them. Beside every
                    party's CPU time stands its floor: the time that the raw cipher, X25519, Ed25519 and
                    additions alone take for exactly that work, measured in the same run.
                    """,
                options: [
                    .value("nodes", placeholder: "N", default: "100", "nodes of the cohort, all registered"),
                    .value("dimension", placeholder: "D", default: "100000", "coordinates of a vector"),
                    .value("dropout", placeholder: "F", default: "0.1", "share of nodes that drop, as in 0.1"),
                    .value("corrupt", placeholder: "C", "nodes assumed corrupt; 5 % of the nodes if left out"),
                    .value("lanes", placeholder: "2|3|4", default: "2", "coordinates in a 64-bit word"),
                    .value(
                        "generator", placeholder: "aes|chacha20", default: "aes",
                        "what masks are expanded with: AES-256-CTR, or ChaCha20 for processors without AES"),
                    .value("workers", placeholder: "N", "cores to use; all if left out"),
                    .value("directory", placeholder: "DIR", default: "/tmp", "where uploads lie on disk"),
                    .flag("sealed", "keep uploads sealed on disk, as a coordinator does; the floor includes AES-GCM"),
                    .json,
                ],
                exitCodes: [(.success, "the sum is right"), (.violation, "the sum is wrong")],
                run: { arguments in
                    let nodes = try arguments.integer("nodes", in: 1...100_000)
                    let benchmark = try infeasible {
                        try AggregationBenchmark(
                            nodes: nodes, dimension: try arguments.integer("dimension", in: 1...1 << 31),
                            dropoutPermille: try arguments.permille("dropout"),
                            corrupt: try arguments.optionalInteger("corrupt", in: 1...100_000)
                                ?? Register.corruptMax(registered: nodes, permille: 50),
                            layout: try arguments.layout("lanes"), generator: try arguments.generator("generator"),
                            workers: try arguments.optionalInteger("workers", in: 1...1024)
                                ?? ProcessInfo.processInfo.activeProcessorCount,
                            sealed: arguments.flag("sealed"), folder: try arguments.string("directory"))
                    }
                    let line = ProgressReporter(console: arguments.console)
                    let report = try await benchmark.run { line.update($0) }
                    line.clear()
                    if arguments.wantsJSON {
                        try arguments.console.printJSON(report)
                    } else {
                        arguments.console.print(report.table(width: arguments.console.terminal.width))
                    }
                    return report.sumCorrect ? .success : .violation
                })
        ])
}

extension Arguments {
    /// A cipher by its short name.
    fileprivate func generator(_ name: String) throws(UsageError) -> KeystreamCipher {
        try value(name, expected: "aes or chacha20") { ["aes": .aes256Counter, "chacha20": .chaCha20][$0] }
    }
}

/// A progress line that a closure can hold.
private final class ProgressReporter {
    private var line: ProgressLine

    init(console: Console) { line = ProgressLine(on: console) }

    func update(_ text: String) { line.update(text) }
    func clear() { line.clear() }
}

extension AggregationReport {
    /// The figures a person compares.
    fileprivate func table(width: Int) -> String {
        func number(_ value: Double) -> String { String(Double((value * 10_000).rounded()) / 10_000) }
        func mebibytes(_ bytes: Int) -> String { number(Double(bytes) / 1_048_576) + " MiB" }
        var costs = TextTable([
            .text("party"), .number("CPU s"), .number("wall s"), .number("floor s"), .number("CPU / floor"),
        ])
        let rows = [("client", client), ("server, unmask", server), ("committee member", committee)]
        for (name, cost) in rows {
            costs.addRow([
                name, number(cost.cpuSeconds), number(cost.wallSeconds), number(cost.floorSeconds), number(cost.ratio),
            ])
        }
        if let one = serverOnOneCore {
            costs.addRow([
                "server, one core", number(one.cpuSeconds), number(one.wallSeconds), number(one.floorSeconds),
                number(one.ratio),
            ])
        }
        let facts = """
            n \(request.nodes), d \(request.dimension), \(survivors) survivors, C \(request.corrupt), k \(parameters.k), \
            L \(parameters.L), l \(parameters.l), \(parameters.lanes) lanes, \(masks) masks
            upload \(upload.bytes) bytes, \(number(upload.ratio)) of the minimum
            server memory \(mebibytes(serverMemoryBytes)), whole process \(mebibytes(peakMemoryBytes))
            the sum is \(sumCorrect ? "right" : "WRONG")

            """
        return facts + costs.rendered(width: width)
    }
}
