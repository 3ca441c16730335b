// Results to write reports about.

@testable import Demonstration

enum Samples {
    /// A run such as a demonstration might report.
    static func typical(rounds: Int = 12) -> DemonstrationResult {
        DemonstrationResult(
            dataDescription: "The Complete Journey (dunnhumby), 2,500 households over two years, split by home store",
            customers: 2500, transactions: 2_595_732, nodes: 8, parameters: 12_342,
            rounds: (1...rounds).map { number in
                let progress = Double(number) / Double(rounds)
                let dropped = number % 5 == 3 ? 2 : number % 7 == 5 ? 1 : 0
                return DemonstrationResult.Round(
                    round: number, offered: 8, survivors: 8 - dropped, dropped: dropped,
                    eligibleCustomers: 2104 - number * 3,
                    excluded: [
                        "withdrawn": 61 + number * 2, "refused": 212, "unknown": 96, "expired": 14 + number,
                        "objected": 9, "moving": number % 3,
                    ],
                    epsilon: 6.9 * progress.squareRoot(),
                    utility: 0.262 + 0.051 * (1 - (1 - progress) * (1 - progress)),
                    seconds: 3.1 + Double(number % 4) * 0.7,
                    rideAlongs: ["clipIndicator": 0.72 - progress * 0.1, "trainingLoss": 0.41 - progress * 0.12])
            },
            epsilonCap: 8, delta: 1e-6,
            utility: .init(metric: "Mean average precision", concord: 0.3127, central: 0.3318, popularity: 0.2584),
            withdrawnCustomerAbsent: true, coordinatorRestarts: 2, agentsKilled: 3, acknowledgedUploadsKept: true,
            seconds: 97.4, peakMemoryBytes: 431_000_000, evidence: "demo-output/evidence.cbor", evidenceVerified: true,
            model: "demo-output/model.safetensors", report: "demo-output/report.html", broken: [])
    }

    /// A run in which promises were broken.
    static var broken: DemonstrationResult {
        var result = typical(rounds: 5)
        result.broken = [
            "Round 4 was released with 3 nodes, below the minimum of 5.", "The evidence bundle was refused.",
        ]
        result.evidenceVerified = false
        result.coordinatorRestarts = 0
        result.acknowledgedUploadsKept = false
        return result
    }

    /// A run whose every text is `text`.
    static func hostile(_ text: String) -> DemonstrationResult {
        var result = typical(rounds: 2)
        result.dataDescription = text
        result.utility.metric = text
        result.evidence = text
        result.model = text
        result.report = text
        result.broken = [text]
        for index in result.rounds.indices {
            result.rounds[index].excluded[text] = 4
            result.rounds[index].rideAlongs[text] = 0.5
        }
        return result
    }

    /// A run whose every fraction is `value`.
    static func uniform(_ value: Double, rounds: Int = 3) -> DemonstrationResult {
        var result = typical(rounds: rounds)
        result.epsilonCap = value
        result.delta = value
        result.utility.concord = value
        result.utility.central = value
        result.utility.popularity = value
        result.seconds = value
        for index in result.rounds.indices {
            result.rounds[index].epsilon = value
            result.rounds[index].utility = value
            result.rounds[index].seconds = value
            result.rounds[index].rideAlongs = ["trainingLoss": value]
        }
        return result
    }

    /// A run whose every count is `value`.
    static func counts(_ value: Int) -> DemonstrationResult {
        var result = typical(rounds: 3)
        result.customers = value
        result.transactions = value
        result.nodes = value
        result.parameters = value
        result.coordinatorRestarts = value
        result.agentsKilled = value
        result.peakMemoryBytes = value
        for index in result.rounds.indices {
            result.rounds[index].round = value
            result.rounds[index].offered = value
            result.rounds[index].survivors = value
            result.rounds[index].dropped = value
            result.rounds[index].eligibleCustomers = value
            result.rounds[index].excluded = ["refused": value, "withdrawn": value]
        }
        return result
    }
}
