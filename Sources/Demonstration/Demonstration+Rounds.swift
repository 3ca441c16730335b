// Running the rounds, with their accidents.

import CommandLineKit
import FoundationEssentials
import PeopleAPI

/// A customer who took her consent back between two rounds.
struct Withdrawal {
    let customer: String
    let home: Int
    /// The first round that must not have her.
    var firstRound: Int
}

extension Demonstration {
    /// Runs every round; returns the withdrawal that happened on the way.
    func rounds(
        _ task: RunningTask, drama: inout Drama, data: ChainData, consenting: [Int], chain: ChainProcesses
    ) async throws -> Withdrawal {
        var withdrawal: Withdrawal?
        for round in 1...options.rounds {
            try await drama.engineer.requestRounds(task.job, total: round)
            if round == drama.agentKillRound { try await killAgents(&drama, task: task, round: round) }
            if round == drama.coordinatorKillRound { try await killCoordinator(&drama, task: task, round: round) }
            let attempt = try await released(round, task: task, drama: drama)
            note(
                "round \(round): \(attempt.survivors ?? 0) of \(attempt.offered) nodes in the sum,"
                    + " \(attempt.eligibleCustomers) customers, ε \(Self.text(attempt.epsilonAfter ?? 0))")
            if round == drama.coordinatorKillRound,
                attempt.session != drama.interruptedSession || attempt.survivors != attempt.offered
            {
                // Every node uploaded before or after the kill; one missing from the sum would be a lost upload.
                drama.acknowledgedUploadsKept = false
                broken.append("the interrupted round did not end with every node's upload in its sum")
            }
            if round == drama.agentKillRound {
                for victim in drama.victims { try chain.startAgent(victim) }
                try await waitForNodes(drama)
            }
            if round == drama.withdrawalRound {
                withdrawal = try await withdraw(data: data, consenting: consenting, drama: drama, nextRound: round + 1)
            }
        }
        guard let withdrawal else { throw DemonstrationFailure("no customer withdrew") }
        return withdrawal
    }

    /// Waits for a round's release.
    private func released(
        _ round: Int, task: RunningTask, drama: Drama
    ) async throws -> AttemptSummary {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            drama.chain.measureMemory()
            let attempts = try await drama.engineer.rounds(task.job)
            if let attempt = attempts.last(where: { $0.round == round }) {
                progress.update("round \(round) of \(options.rounds): \(attempt.state), \(attempt.uploaded) uploads")
                if attempt.state == "released" { return attempt }
                if attempt.state == "void", attempt.attempt == 2 || attempt.epsilonAfter != nil {
                    throw DemonstrationFailure("round \(round) is void: \(attempt.voidReason ?? "")")
                }
            } else {
                progress.update("round \(round) of \(options.rounds): waiting for nodes")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw DemonstrationFailure("round \(round) did not finish; see \(work)/logs")
    }

    /// The current attempt of a round, once it satisfies `condition`.
    private func attempt(
        of round: Int, task: RunningTask, drama: Drama, _ condition: (AttemptSummary) -> Bool
    ) async throws -> AttemptSummary {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if let attempt = try await drama.engineer.rounds(task.job).last(where: { $0.round == round }),
                condition(attempt)
            {
                return attempt
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw DemonstrationFailure("round \(round) did not reach the moment it was watched for")
    }

    /// SIGKILL to three agents that have been offered the round and have not uploaded.
    private func killAgents(_ drama: inout Drama, task: RunningTask, round: Int) async throws {
        _ = try await attempt(of: round, task: task, drama: drama) { ["offered", "collecting"].contains($0.state) }
        // Long enough to accept the offer, shorter than any reply slot.
        try await Task.sleep(for: .milliseconds(300))
        for victim in drama.victims { drama.chain.killAgent(victim) }
        drama.agentsKilled = drama.victims.count
        note("round \(round): killed three agents in the middle of it (SIGKILL)")
    }

    /// SIGKILL to the coordinator while uploads come in; the same round must go on with what was acknowledged.
    private func killCoordinator(_ drama: inout Drama, task: RunningTask, round: Int) async throws {
        let before = try await attempt(of: round, task: task, drama: drama) {
            $0.state == "collecting" && $0.uploaded >= 3
        }
        drama.chain.killCoordinator()
        try await drama.chain.startCoordinator()
        drama.coordinatorRestarts += 1
        let after = try await attempt(of: round, task: task, drama: drama) { _ in true }
        drama.acknowledgedUploadsKept = after.session == before.session && after.uploaded >= before.uploaded
        drama.interruptedSession = before.session
        note(
            "round \(round): killed the coordinator while it collected (SIGKILL) with \(before.uploaded) uploads stored;"
                + " back with \(after.uploaded) in the same session")
        if !drama.acknowledgedUploadsKept { broken.append("an acknowledged upload was lost with the coordinator") }
    }

    private func waitForNodes(_ drama: Drama) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let status = try await drama.engineer.status()
            if status.nodesLive == status.nodesRegistered, status.nodesReady == status.nodesRegistered { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw DemonstrationFailure("killed agents did not come back; see \(work)/logs")
    }

    /// One customer takes her consent back: the store's systems write it down, the agent acts on it and tells the ledger.
    private func withdraw(
        data: ChainData, consenting: [Int], drama: Drama, nextRound: Int
    ) async throws -> Withdrawal {
        let customer = data.customers[consenting[consenting.count / 2]]
        let before = try await drama.engineer.status().ledgerSize
        let text =
            "\(Self.captureHeader)\n"
            + ConsentScript.withdrawal(customer: customer.id, nowMilliseconds: Self.nowMilliseconds()) + "\n"
        // Written beside and renamed, so the agent never sees half a file.
        let folder = "\(drama.chain.folder(customer.home))/consent"
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/0002-withdrawal.csv"), options: .atomic)
        let deadline = ContinuousClock.now + .seconds(30)
        while try await drama.engineer.status().ledgerSize == before {
            guard ContinuousClock.now < deadline else { throw DemonstrationFailure("the withdrawal did not arrive") }
            try await Task.sleep(for: .milliseconds(50))
        }
        note("between rounds \(nextRound - 1) and \(nextRound): one customer withdrew her consent")
        return Withdrawal(customer: customer.id, home: customer.home, firstRound: nextRound)
    }
}
