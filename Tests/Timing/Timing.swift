// Does the time of an operation on secrets depend on the secret? After Reparaz, Balasch and Verbauwhede 2017, "Dude, is my
// code constant time?": one class of calls always gets the same secret, the other random ones, mixed at random, and
// Welch's t says whether their times differ. |t| above 10 is a leak; between 4.5 and 10 look again on a quiet machine.
//
// A statement about this machine and this build, and about no other: that is why it is a tool (`make timing`) and no test.

import Cryptography
import Glibc
import SecureAggregation

/// One operation under measurement.
struct Experiment {
    let name: String
    let samples: Int
    /// Whether a difference must be found: the control that shows the method works here.
    var mustLeak = false
    /// Makes an input of a class, and gives back the call to time. Everything that is not the operation happens in here.
    let prepare: (_ isFixed: Bool) throws -> (() throws -> Void)

    /// Times calls in batches that are prepared ahead, so that preparing does not warm the caches for one class only.
    func run() throws -> TimingResult {
        var measurements: [Measurement] = []
        measurements.reserveCapacity(samples)
        var choices = SystemRandomNumberGenerator()
        let batch = 250
        while measurements.count < samples {
            let calls = try (0..<batch).map { _ in
                let isFixed = Bool.random(using: &choices)
                return (isFixed, try prepare(isFixed))
            }
            for (isFixed, call) in calls {
                let start = Self.now()
                try call()
                let end = Self.now()
                measurements.append(Measurement(isFixed: isFixed, nanoseconds: Double(end - start)))
            }
        }
        // The first batch meets cold caches.
        return TimingResult(Array(measurements.dropFirst(batch)))
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_RAW, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}

/// Keeps a result alive, so that the call which made it cannot be left out.
@inline(never) func consume<Value>(_ value: Value) {}

/// Compares byte by byte and stops at the first difference: the control.
@inline(never) func earlyExitEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    for index in left.indices where left[index] != right[index] { return false }
    return true
}

/// What the committee and the coordinator do with secrets.
enum Experiments {
    /// L and l of a register of a hundred nodes with γ = 5 % (Protocols/secure-aggregation.md, section 4).
    static let holders = 35
    static let threshold = 22

    /// `fixed` or as many random bytes, chosen by a mask: a branch here would give the two classes another history of
    /// allocations, and the measurement would find that instead.
    static func input(_ isFixed: Bool, fixed: [UInt8]) throws -> [UInt8] {
        let random = try SecretBytes.random(count: fixed.count).unprotectedCopy()
        let mask: UInt8 = isFixed ? 0xff : 0
        return zip(fixed, random).map { $0 & mask | $1 & ~mask }
    }

    static func secret(_ isFixed: Bool) throws -> SecretBytes {
        SecretBytes(copying: try input(isFixed, fixed: [UInt8](repeating: 0, count: 32)))
    }

    static func shares(of secret: SecretBytes) throws -> [SecretShare] {
        var generator = try KeyedRandomGenerator(key: SecretBytes.random(count: 32))
        return try ShamirSharing.split(secret, threshold: threshold, count: holders, generator: &generator)
    }

    static func all(samples: Int) throws -> [Experiment] {
        let known = try SecretBytes.random(count: 1024)
        let knownBytes = known.unprotectedCopy()
        return [
            Experiment(name: "share a secret (split)", samples: samples) { isFixed in
                let secret = try secret(isFixed)
                let key = try SecretBytes.random(count: 32)
                return {
                    var generator = try KeyedRandomGenerator(key: key)
                    consume(
                        try ShamirSharing.split(
                            secret, threshold: threshold, count: holders, generator: &generator))
                }
            },
            Experiment(name: "reconstruct a secret (join)", samples: samples) { isFixed in
                let shares = try shares(of: secret(isFixed)).prefix(threshold).enumerated().map {
                    (position: $0.offset, share: $0.element)
                }
                return { consume(try ShamirSharing.join(shares, threshold: threshold)) }
            },
            Experiment(name: "compare secrets (SecretBytes ==)", samples: 8 * samples) { isFixed in
                let other = SecretBytes(copying: try input(isFixed, fixed: knownBytes))
                return { consume(known == other) }
            },
            Experiment(name: "compare bytes (constantTimeEqual)", samples: 8 * samples) { isFixed in
                let other = try input(isFixed, fixed: knownBytes)
                return { consume(constantTimeEqual(knownBytes, other)) }
            },
            Experiment(name: "control: comparison that stops early", samples: 8 * samples, mustLeak: true) { isFixed in
                let other = try input(isFixed, fixed: knownBytes)
                return { consume(earlyExitEqual(knownBytes, other)) }
            },
        ]
    }
}

@main struct Timing {
    static let leak = 10.0
    static let suspicion = 4.5

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let samples = arguments.first.flatMap { Int($0) } ?? 20_000
        guard arguments.count <= 1, samples >= 1000 else {
            print("usage: concord-timing [samples, at least 1000]")
            exit(2)
        }
        var failed = false
        print(padded("operation", 38), padded("max |t|", 9), padded("t, all", 9), padded("ns", 8), "verdict")
        for experiment in try Experiments.all(samples: samples) {
            let result = try experiment.run()
            let leaks = abs(result.t) > leak
            failed = failed || leaks != experiment.mustLeak
            let verdict =
                switch (leaks, experiment.mustLeak) {
                case (true, true): "leaks, as it must"
                case (false, true): "NOT SEEN: the measurement is too noisy to say anything"
                case (true, false): "LEAKS"
                case (false, false): abs(result.t) > suspicion ? "look again on a quiet machine" : "no difference seen"
                }
            print(
                padded(experiment.name, 38), padded(decimal(abs(result.t)), 9), padded(decimal(result.uncropped), 9),
                padded(decimal(result.difference), 8), verdict)
        }
        exit(failed ? 1 : 0)
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func decimal(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
