// The steps of a benchmark, and many parties' work on a few cores.

/// Steps in order, with what they took.
struct PhaseLog {
    private(set) var phases: [AggregationReport.Phase] = []
    private var peak = 0

    /// Most resident memory seen so far: the peak is restarted on the way, so the log keeps the largest.
    var peakMemoryBytes: Int { max(peak, ResidentMemory.peak) }

    mutating func add(_ name: String, party: String, count: Int, _ measured: Measurement) {
        peak = max(peak, ResidentMemory.peak)
        ResidentMemory.resetPeak()
        phases.append(
            .init(
                name: name, party: party, count: count, cpuSeconds: measured.cpuSeconds,
                wallSeconds: measured.wallSeconds, residentBytes: ResidentMemory.current))
    }

    /// Runs one party's step and logs it.
    mutating func one<Result>(_ name: String, party: String, _ body: () throws -> Result) rethrows -> Result {
        let (result, measured) = try Stopwatch.thread(body)
        add(name, party: party, count: 1, measured)
        return result
    }

    /// Runs every node's step, `workers` at a time, and logs their sum.
    mutating func eachNode<Node: Sendable, Result: Sendable>(
        _ name: String, party: String, _ nodes: [Node], workers: Int,
        _ body: @escaping @Sendable (Node) throws -> Result
    ) async throws -> [Result] {
        let results = try await concurrentMap(nodes, workers: workers) { node in try Stopwatch.thread { try body(node) }
        }
        add(name, party: party, count: nodes.count, results.reduce(.zero) { $0 + $1.1 })
        return results.map(\.0)
    }

    func cpuSeconds(of party: String) -> Double {
        phases.filter { $0.party == party }.reduce(0) { $0 + $1.cpuSeconds }
    }
}

/// `body` of every element, at most `workers` at a time; results in the order of the elements.
func concurrentMap<Element: Sendable, Result: Sendable>(
    _ elements: [Element], workers: Int, _ body: @escaping @Sendable (Element) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        var results = [Result?](repeating: nil, count: elements.count)
        var next = 0
        func start() {
            guard next < elements.count else { return }
            let index = next
            let element = elements[index]
            next += 1
            group.addTask { (index, try await body(element)) }
        }
        for _ in 0..<workers { start() }
        while let (index, result) = try await group.next() {
            results[index] = result
            start()
        }
        return results.compactMap(\.self)
    }
}
