import Foundation
import Learning
import Testing

@Suite struct EvaluationTests {
    @Test func averagePrecisionAndGainByHand() {
        var evaluation = RankingEvaluation(categoryCount: 4)
        // Order 2, 0, 3, 1; bought 2 and 3, at ranks 1 and 3.
        evaluation.add(scores: [0.5, -1, 0.9, 0.1], positives: [2, 3])
        let report = evaluation.report
        #expect(abs(report.meanAveragePrecision - (1 + 2.0 / 3) / 2) < 1e-12)
        #expect(abs(report.ndcgAt10 - (1 + 1 / log2(4)) / (1 + 1 / log2(3))) < 1e-12)
        #expect(report.precisionAt10 == 0.5)
        #expect(report.recallAt10 == 1)
        evaluation.add(scores: [0, 0, 0, 0], positives: [])
        #expect(evaluation.report.customerCount == 1)
        // Ties rank in category order: category 3 comes last.
        evaluation.add(scores: [0, 0, 0, 0], positives: [3])
        #expect(abs(evaluation.report.meanAveragePrecision - ((1 + 2.0 / 3) / 2 + 0.25) / 2) < 1e-12)
    }

    @Test func onlyTheFirstTenCount() {
        var evaluation = RankingEvaluation(categoryCount: 20)
        let descending = (0..<20).map { Float(-$0) }
        evaluation.add(scores: descending, positives: [9, 10, 19])
        evaluation.add(scores: descending, positives: [0])
        let report = evaluation.report
        #expect(abs(report.recallAt10 - (1.0 / 3 + 1) / 2) < 1e-12)
        #expect(abs(report.microRecallAt10 - 2.0 / 4) < 1e-12)
        #expect(abs(report.precisionAt10 - 0.1) < 1e-12)
    }

    @Test func areaUnderTheCurveCountsPairs() {
        var evaluation = RankingEvaluation(categoryCount: 2)
        // Category 0: positives 3 and 1, negatives 2 and 1: pairs won 1 + 1 + 0 + ½ of 4. Category 1 has no negative.
        for (score, bought) in [(Float(3), true), (2, false), (1, true), (1, false)] {
            evaluation.add(scores: [score, 0], positives: bought ? [0, 1] : [1])
        }
        #expect(abs(evaluation.report.macroAUC - 2.5 / 4) < 1e-12)
    }

    @Test func popularityRanksAlikeForEveryone() {
        func customer(_ training: [UInt16], _ heldOut: [UInt16]) -> CustomerExamples {
            func example(_ positives: [UInt16]) -> Example {
                Example(featureIndices: [], featureValues: [], positives: positives)
            }
            return CustomerExamples(training: [example(training)], evaluation: example(heldOut))
        }
        let customers = [customer([1], [1]), customer([1, 2], [2]), customer([], [0])]
        let baseline = PopularityBaseline(categoryCount: 3, customers: customers)
        #expect(baseline.counts == [0, 2, 1])
        let report = baseline.report(on: customers)
        #expect(abs(report.meanAveragePrecision - (1 + 1.0 / 2 + 1.0 / 3) / 3) < 1e-12)
        #expect(report.macroAUC == 0.5)
    }
}
