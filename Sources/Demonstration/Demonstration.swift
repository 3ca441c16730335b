// The whole mission once, for real: keys, processes, consent, rounds with everything that goes wrong on purpose, results.

import ChainKeys
import CommandLineKit
import Consent
import Cryptography
import FoundationEssentials
import Glibc
import Identity
import Learning
import PeopleAPI
import Rounds
import SecureAggregation
import Vectors
import WireFormat

/// One demonstration.
public final class Demonstration {
    let options: DemonstrationOptions
    let console: Console
    var progress: ProgressLine
    let work: String
    var broken: [String] = []

    /// Prepares a demonstration; nothing happens before ``run()``.
    public init(options: DemonstrationOptions, console: Console) {
        self.options = options
        self.console = console
        progress = ProgressLine(on: console)
        work = URL(filePath: options.output).absoluteURL.path
    }

    /// Runs it.
    /// - Returns: what was found; `broken` says what was promised and did not hold.
    /// - Throws: ``DemonstrationFailure`` if it cannot go on at all.
    public func run() async throws -> DemonstrationResult {
        let started = ContinuousClock.now
        let stores = StoreNames.numbered(options.stores)
        try prepareFolders(stores)
        let keys = "\(work)/keys"
        var ceremony = KeyCeremony(chain: "concord.example", stores: stores, nowMilliseconds: Self.nowMilliseconds())
        ceremony.validityDays = 2
        try ceremony.perform(folder: keys)
        note("keys: chain CA, register, \(KeyCeremony.people.count) people, \(stores.count) stores")

        let chain = try ChainProcesses(work: work, keys: keys, stores: stores)
        let data = try prepareData(chain)
        let consenting = try captureConsent(data, chain: chain)
        note(
            "data: \(data.description), \(data.customers.count) customers, \(data.transactionCount) transactions;"
                + " \(consenting.count) customers consent to training")

        try await chain.startCoordinator()
        try chain.configureAgents()
        for store in stores.indices { try chain.startAgent(store) }
        note("processes: 1 coordinator, \(stores.count) agents, mutual TLS 1.3 on port \(chain.port)")

        let engineer = try PeopleClient(port: chain.port, keys: keys, role: .engineer)
        let officer = try PeopleClient(port: chain.port, keys: keys, role: .officer)
        try await waitUntilReady(engineer, data: data, chain: chain)

        let plan = try await proposeTask(
            data, keys: keys, engineer: engineer, officer: officer, customers: consenting.count)
        let yardsticks = Task.detached { [examples = consenting.map { data.customers[$0].examples }, job = data.job] in
            try UtilityComparison(consented: examples, job: job)
        }
        var drama = Drama(chain: chain, engineer: engineer, job: plan.job, rounds: options.rounds, seed: options.seed)
        let withdrawal = try await rounds(plan, drama: &drama, data: data, consenting: consenting, chain: chain)

        progress.update("measuring utility")
        let comparison = try await yardsticks.value
        let result = try await conclude(
            plan, drama: drama, data: data, withdrawal: withdrawal, consenting: consenting.count,
            comparison: comparison, chain: chain, keys: keys,
            started: started)
        await chain.stopAll()
        progress.clear()
        return result
    }

    // MARK: Preparation

    private func prepareFolders(_ stores: [String]) throws {
        let marker = "\(work)/.concord-demonstration"
        let files = FileManager.default
        if files.fileExists(atPath: work) {
            // Only a folder that a demonstration made is ever replaced.
            guard files.fileExists(atPath: marker) else {
                throw DemonstrationFailure("\(options.output) exists and was not made by a demonstration")
            }
            try files.removeItem(atPath: work)
        }
        var folders = [work, "\(work)/coordinator", "\(work)/coordinator/data", "\(work)/logs"]
        for store in stores {
            for part in ["", "/state", "/transactions", "/consent"] { folders.append("\(work)/stores/\(store)\(part)") }
        }
        for folder in folders {
            try files.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        try Data().write(to: URL(filePath: marker))
    }

    private func prepareData(_ chain: ChainProcesses) throws -> ChainData {
        progress.update("preparing data")
        let folder: (Int) -> String = { "\(chain.folder($0))/transactions" }
        if let source = options.dataFolder {
            return try ChainData.imported(options: options, from: source, folder: folder)
        }
        return try ChainData.generated(options: options, folder: folder)
    }

    /// Writes every store's capture file; returns the customers who may train at the end of it.
    private func captureConsent(_ data: ChainData, chain: ChainProcesses) throws -> [Int] {
        var script = try ConsentScript(seed: options.seed, nowMilliseconds: Self.nowMilliseconds())
        var rows = [[String]](repeating: [Self.captureHeader], count: options.stores)
        var consenting: [Int] = []
        for (index, customer) in data.customers.enumerated() {
            let answer = script.rows(customer: customer.id)
            rows[customer.home] += answer.rows
            if answer.consents { consenting.append(index) }
        }
        for (store, rows) in rows.enumerated() {
            try Data((rows.joined(separator: "\n") + "\n").utf8).write(
                to: URL(filePath: "\(chain.folder(store))/consent/0001-enrolment.csv"))
        }
        return consenting
    }

    static let captureHeader = "customer_id,act,purposes,captured_at_ms,expires_at_ms,channel,jurisdiction,notice"

    private func waitUntilReady(_ engineer: PeopleClient, data: ChainData, chain: ChainProcesses) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            let status = try await engineer.status()
            progress.update(
                "consent: \(status.subjects) of \(data.customers.count) customers in the ledger,"
                    + " \(status.nodesReady) of \(status.nodesRegistered) nodes ready")
            chain.measureMemory()
            if status.nodesReady == status.nodesRegistered, status.subjects == data.customers.count { break }
            guard ContinuousClock.now < deadline else {
                throw DemonstrationFailure("the chain did not get ready; see \(work)/logs")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        note("consent: \(try await engineer.status().ledgerSize) entries in the ledger, every node ready")
    }

    /// A task as the demonstration runs it.
    struct RunningTask {
        let job: String
        let plan: ValidatedPlan
    }

    private func proposeTask(
        _ data: ChainData, keys: String, engineer: PeopleClient, officer: PeopleClient, customers: Int
    ) async throws -> RunningTask {
        let initial = try ModelFile(
            model: data.job.initialModel, vocabulary: data.job.vocabulary, constants: data.job.constants
        ).encoded()
        let owner = KeyFolder(path: "\(keys)/plan-owner")
        let register = try owner.register(anchors: try owner.anchors()).body
        let plan = TrainingPlan(
            name: "purchase propensity", purpose: .trainFederated, job: data.job, clipRadius: 1 << 12,
            rideAlongWeights: [410, 410], noiseMultiplierThousandths: Self.noiseMultiplierThousandths,
            samplingMillionths: 1_000_000, layout: .twoBy32, minAlive: register.smallestMinAlive,
            corruptMax: register.corruptMax, epsilonCapMillionths: Self.epsilonCapMillionths(rounds: options.rounds),
            deltaReciprocal: 1_000_000, maximumCustomers: max(100_000, 2 * customers),
            initialModelDigest: SHA256.hash(initial))
        let signed = try SignedMessage(signing: plan, key: try owner.planKey())
        let validated = try ValidatedPlan(verifying: signed, owner: try owner.anchors().planOwnerKey)
        try await engineer.postModel(initial)
        let job = try await engineer.propose(signed)
        try await officer.approve(job)
        note(
            "plan: \(validated.dimension) coordinates, noise multiplier \(plan.noiseMultiplierThousandths / 1000),"
                + " ε ≤ \(Self.text(validated.epsilonCap)) at δ = \(validated.delta); proposed by the engineer,"
                + " signed by the plan owner, approved by the officer")
        return RunningTask(job: job, plan: validated)
    }

    /// z = 6.
    static let noiseMultiplierThousandths: Int64 = 6_000

    /// The cap: what the planned rounds cost at this noise, rounded up to a tenth.
    static func epsilonCapMillionths(rounds: Int) -> UInt64 {
        // A Gaussian of noise multiplier z over T rounds at δ = 10⁻⁶; the plan's own check refuses a cap that is too low.
        let scale = (Double(rounds) / 36).squareRoot()
        let bound = scale * scale / 2 + scale * (2 * log(1e6)).squareRoot()
        return UInt64((bound * 10).rounded(.up)) * 100_000
    }

    // MARK: Helpers

    func note(_ text: String) {
        progress.clear()
        console.message("• \(text)")
    }

    static func text(_ value: Double, digits: Int = 2) -> String {
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 1e15 else { return "\(value)" }
        let whole = Int(abs(scaled))
        let fraction = String(whole % Int(scale))
        let sign = scaled < 0 ? "-" : ""
        return "\(sign)\(whole / Int(scale))."
            + String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
    }

    static func nowMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
