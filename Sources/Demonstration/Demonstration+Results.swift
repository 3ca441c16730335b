// Results: models, tables, report, evidence.

import ChainKeys
import CommandLineKit
import Consent
import Cryptography
import Evidence
import FoundationEssentials
import Identity
import Learning
import PeopleAPI
import Rounds
import SecureAggregation
import WireFormat

extension Demonstration {
    /// Writes everything and sums up.
    func conclude(
        _ task: RunningTask, drama: Drama, data: ChainData, withdrawal: Withdrawal, consenting: Int,
        comparison: UtilityComparison, chain: ChainProcesses, keys: String, started: ContinuousClock.Instant
    ) async throws -> DemonstrationResult {
        let attempts = try await drama.engineer.rounds(task.job).filter { $0.state == "released" }
        var rounds: [DemonstrationResult.Round] = []
        var modelBytes: [UInt8] = []
        for attempt in attempts {
            guard let digest = attempt.model else { continue }
            modelBytes = try await drama.engineer.model(digest)
            let model = try ModelFile(decoding: modelBytes).model
            rounds.append(
                DemonstrationResult.Round(
                    round: attempt.round, offered: attempt.offered, survivors: attempt.survivors ?? 0,
                    dropped: attempt.dropped ?? 0, eligibleCustomers: attempt.eligibleCustomers,
                    excluded: attempt.excluded, epsilon: attempt.epsilonAfter ?? 0,
                    utility: comparison.utility(of: model),
                    seconds: Double((attempt.releasedMilliseconds ?? 0) - attempt.openedMilliseconds) / 1000,
                    rideAlongs: attempt.rideAlongs ?? [:]))
        }
        let modelPath = "\(work)/model.safetensors"
        try Data(modelBytes).write(to: URL(filePath: modelPath))

        progress.update("collecting evidence")
        let evidence = try await collectEvidence(
            task, withdrawal: withdrawal, chain: chain, keys: keys, modelBytes: modelBytes)
        check(rounds, drama: drama, withdrawal: withdrawal, consenting: consenting)
        chain.measureMemory()

        let result = DemonstrationResult(
            dataDescription: data.description, customers: data.customers.count, transactions: data.transactionCount,
            nodes: options.stores, parameters: task.plan.modelLayout.parameterCount, rounds: rounds,
            epsilonCap: task.plan.epsilonCap, delta: task.plan.delta,
            utility: .init(
                metric: UtilityComparison.metric, concord: rounds.last?.utility ?? 0, central: comparison.central,
                popularity: comparison.popularity), withdrawnCustomerAbsent: evidence.withdrawalProved,
            coordinatorRestarts: drama.coordinatorRestarts, agentsKilled: drama.agentsKilled,
            acknowledgedUploadsKept: drama.acknowledgedUploadsKept,
            seconds: (ContinuousClock.now - started) / .seconds(1), peakMemoryBytes: chain.peakMemoryBytes,
            evidence: evidence.path, evidenceVerified: evidence.verified, model: modelPath,
            report: "\(work)/report.html", broken: broken)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(result).write(to: URL(filePath: "\(work)/rounds.json"))
        try Data(DemonstrationReport.html(result).utf8).write(to: URL(filePath: result.report))
        show(result)
        return result
    }

    private func check(_ rounds: [DemonstrationResult.Round], drama: Drama, withdrawal: Withdrawal, consenting: Int) {
        for round in rounds {
            let expected = round.round < withdrawal.firstRound ? consenting : consenting - 1
            if round.eligibleCustomers != expected {
                broken.append("round \(round.round) had \(round.eligibleCustomers) customers, \(expected) consented")
            }
        }
        if rounds.count != options.rounds { broken.append("not every round released a model") }
        if drama.agentsKilled != 3 { broken.append("three agents were to be killed") }
        if drama.coordinatorRestarts < 1 { broken.append("the coordinator was to be killed once") }
        if let round = rounds.first(where: { $0.round == drama.agentKillRound }), round.dropped != drama.victims.count {
            broken.append("the round with killed agents did not drop exactly those")
        }
    }

    private struct CollectedEvidence {
        let path: String
        let verified: Bool
        let withdrawalProved: Bool
    }

    /// Stops the agents, asks the withdrawn customer's store to open its cohort commitment, has the coordinator seal the
    /// bundle, and checks the bundle as an auditor would.
    private func collectEvidence(
        _ task: RunningTask, withdrawal: Withdrawal, chain: ChainProcesses, keys: String, modelBytes: [UInt8]
    ) async throws -> CollectedEvidence {
        await chain.stopAgents()
        let answer = try await chain.auditAnswer(
            store: withdrawal.home, job: task.job, round: withdrawal.firstRound, customer: withdrawal.customer)
        // The question must be able to come out the other way: one round earlier she was in.
        let before = try? await chain.auditAnswer(
            store: withdrawal.home, job: task.job, round: withdrawal.firstRound - 1, customer: withdrawal.customer)
        if before != nil { broken.append("the withdrawn customer was not in the round before either") }
        let auditor = try PeopleClient(port: chain.port, keys: keys, role: .auditor)
        let bytes = try await auditor.evidence(task.job, answers: answer)
        let path = "\(work)/evidence.cbor"
        try Data(bytes).write(to: URL(filePath: path))
        let anchors = try KeyFolder(path: "\(keys)/auditor").anchors()
        try Data(anchors.encoded()).write(to: URL(filePath: "\(work)/trust.cbor"))
        do {
            let report = try EvidenceVerifier(anchors: anchors).verify(bytes: bytes, modelBytes: modelBytes)
            let proved = before == nil && report.withdrawals.contains { Int($0.round) == withdrawal.firstRound }
            if !proved { broken.append("the withdrawn customer is not proved absent") }
            return CollectedEvidence(path: path, verified: true, withdrawalProved: proved)
        } catch {
            broken.append("the evidence bundle does not verify: \(error)")
            return CollectedEvidence(path: path, verified: false, withdrawalProved: false)
        }
    }

    /// The table a person understands.
    private func show(_ result: DemonstrationResult) {
        progress.clear()
        let reasons = Set(result.rounds.flatMap(\.excluded.keys)).sorted()
        var table = TextTable(
            [.number("round"), .number("survivors"), .number("dropped"), .number("customers")]
                + reasons.map { .number($0) } + [.number("ε spent"), .number("of"), .number("MAP"), .number("seconds")])
        for round in result.rounds {
            table.addRow(
                [
                    String(round.round), "\(round.survivors)/\(round.offered)", String(round.dropped),
                    String(round.eligibleCustomers),
                ] + reasons.map { String(round.excluded[$0] ?? 0) } + [
                    Self.text(round.epsilon), Self.text(result.epsilonCap), Self.text(round.utility, digits: 4),
                    Self.text(round.seconds, digits: 1),
                ])
        }
        console.message("")
        console.message(table.rendered())
        console.message(
            "customers: may train at the round's pinned checkpoint; then those who may not, by reason. δ = \(result.delta)"
        )
        console.message("")
        var comparison = TextTable([.text("on the held-out period"), .number("MAP")])
        comparison.addRow(["popularity", Self.text(result.utility.popularity, digits: 4)])
        comparison.addRow(["Concord", Self.text(result.utility.concord, digits: 4)])
        comparison.addRow(["central, not private", Self.text(result.utility.central, digits: 4)])
        console.message(comparison.rendered())
        console.message(
            "\(Int(result.seconds.rounded())) s, peak \(result.peakMemoryBytes >> 20) MiB over all processes"
        )
        console.message("model     \(result.model)")
        console.message("report    \(result.report)")
        console.message("evidence  \(result.evidence)  (concord-verify \(result.evidence) --trust \(work)/trust.cbor)")
        for failure in result.broken { console.message("DID NOT HOLD: \(failure)") }
    }
}
