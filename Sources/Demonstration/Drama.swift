// What goes wrong on purpose, and when.

/// The rounds of a run and the accidents among them.
struct Drama {
    let chain: ChainProcesses
    let engineer: PeopleClient
    let job: String
    let rounds: Int
    /// The round in which three agents are killed after they were offered it.
    let agentKillRound: Int
    /// The round in which the coordinator is killed while it collects uploads.
    let coordinatorKillRound: Int
    /// The last round before one customer withdraws.
    let withdrawalRound: Int
    /// Stores of the killed agents.
    let victims: [Int]

    var agentsKilled = 0
    var coordinatorRestarts = 0
    var acknowledgedUploadsKept = false
    /// The session in which the coordinator was killed.
    var interruptedSession = ""

    init(chain: ChainProcesses, engineer: PeopleClient, job: String, rounds: Int, seed: UInt64) {
        self.chain = chain
        self.engineer = engineer
        self.job = job
        self.rounds = rounds
        agentKillRound = 3
        coordinatorKillRound = 5
        withdrawalRound = 7
        let count = chain.stores.count
        // Three different stores, a third of the chain apart.
        let first = Int(seed % UInt64(count))
        victims = [first, (first + count / 3) % count, (first + 2 * count / 3) % count]
    }
}
