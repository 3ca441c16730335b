// How good the models are, on a period none of them saw. Computed by the demonstration, which holds all the data; a real
// chain would have to pay for such a number out of the privacy budget, and the report says so.

import Cryptography
import Learning

/// The yardsticks, and the measure.
struct UtilityComparison {
    static let metric = "mean average precision over held-out purchases (MAP)"

    let popularity: Double
    let central: Double
    private let customers: [CustomerExamples]

    /// Trains and measures the yardsticks on the customers who consented.
    init(consented: [CustomerExamples], job: PropensityJob) throws {
        customers = consented
        popularity =
            PopularityBaseline(categoryCount: job.vocabulary.count, customers: consented)
            .report(on: consented).meanAveragePrecision
        var random = try KeyedRandomGenerator(key: SecretBytes(copying: SHA256.tagged("central-training").bytes))
        let model = try CentralTraining().train(from: job.initialModel, on: consented, random: &random)
        central = RankingEvaluation.report(of: model, on: consented).meanAveragePrecision
    }

    /// The headline figure of a released model.
    func utility(of model: PropensityModel) -> Double {
        RankingEvaluation.report(of: model, on: customers).meanAveragePrecision
    }
}
