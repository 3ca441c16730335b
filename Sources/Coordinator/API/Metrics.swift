// Counters and gauges in the Prometheus text format. Labels are a fixed, small set: never a node, a round or a subject.

import Locking

/// What happened since the start.
final class Metrics: Sendable {
    private struct Counters: Sendable {
        var responses: [Int: UInt64] = [:]
        var operations: [String: UInt64] = [:]
    }
    private let counters = Locked(Counters())

    /// Counts an answered operation.
    func count(_ operation: Operation, status: Int) {
        counters.withLock {
            $0.operations[operation.rawValue, default: 0] += 1
            $0.responses[status, default: 0] += 1
        }
    }

    /// Counts a refused request.
    func countRefusal(status: Int) { counters.withLock { $0.responses[status, default: 0] += 1 } }

    /// The text exposition, with gauges the caller read.
    func text(gauges: KeyValuePairs<String, String>) -> String {
        let counters = counters.withLock { $0 }
        var lines = ["# TYPE concord_responses_total counter"]
        for (status, count) in counters.responses.sorted(by: { $0.key < $1.key }) {
            lines.append("concord_responses_total{status=\"\(status)\"} \(count)")
        }
        lines.append("# TYPE concord_operations_total counter")
        for operation in Operation.allCases {
            lines.append(
                "concord_operations_total{operation=\"\(operation.rawValue)\"} \(counters.operations[operation.rawValue] ?? 0)"
            )
        }
        for (name, value) in gauges {
            lines.append("# TYPE \(name) gauge")
            lines.append("\(name) \(value)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
