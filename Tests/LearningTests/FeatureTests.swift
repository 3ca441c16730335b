import Foundation
import Learning
import Testing

/// A line of customer "1" at store "1".
func line(_ seconds: Int64, _ category: String, quantity: Double = 1, value: Double = 1) -> Transaction {
    Transaction(
        customerID: "1", storeID: "1", timestampSeconds: seconds, category: category, quantity: quantity, value: value)
}

@Suite struct FeatureTests {
    static let week = ExampleSchedule.secondsPerWeek
    static let end = 40 * week
    let extractor: FeatureExtractor
    let schedule: ExampleSchedule

    init() throws {
        extractor = FeatureExtractor(
            vocabulary: try Vocabulary(["milk", "tea", "rice"]),
            constants: try FeatureConstants(
                lookbackWeeks: 10, recencyDecayWeeks: 4, frequencyCap: 7, valueCap: 15, visitCap: 31, spendCap: 63))
        schedule = try ExampleSchedule(endSeconds: Self.end, periodWeeks: 4, trainingWindows: 2)
    }

    @Test func cutoffsPrecedeTheHeldOutPeriod() {
        #expect(schedule.evaluationCutoff == 36 * Self.week)
        #expect(schedule.trainingCutoffs == [28 * Self.week, 32 * Self.week])
    }

    @Test func featuresAreWhatTheFormulasSay() throws {
        let cutoff = schedule.evaluationCutoff
        let history = [
            line(cutoff - 4 * Self.week, "milk", value: 2), line(cutoff - 4 * Self.week, "milk", value: 1),
            line(cutoff - 8 * Self.week, "milk", value: 4), line(cutoff - 2 * Self.week, "charcoal", value: 8),
            line(cutoff - 11 * Self.week, "tea"),  // before the look-back
            line(cutoff - Self.week, "tea", quantity: 0), line(cutoff - Self.week, "tea", quantity: -1, value: -3),
            line(cutoff, "rice"), line(cutoff + 4 * Self.week - 1, "milk"), line(cutoff + 4 * Self.week, "tea"),
        ]
        let example = try #require(extractor.examples(from: history, schedule: schedule).evaluation)
        let layout = extractor.layout
        let expected: [(Int, Double)] = [
            (layout.recency(0), exp(-1)), (layout.frequency(0), log(3) / log(8)), (layout.value(0), log(8) / log(16)),
            (layout.bias, 1), (layout.lastVisit, exp(-0.5)), (layout.visits, log(4) / log(32)),
            (layout.breadth, 1.0 / 3), (layout.spend, log(16) / log(64)),
        ]
        #expect(example.featureIndices.map(Int.init) == expected.map(\.0))
        for (value, (_, wanted)) in zip(example.featureValues, expected) { #expect(abs(Double(value) - wanted) < 1e-6) }
        #expect(example.positives == [0, 2])
    }

    @Test func orderOfTheHistoryDoesNotMatter() throws {
        let chain = try RetailGenerator(seed: 5, customers: 20, stores: 5)
        let extractor = FeatureExtractor(vocabulary: try RetailGenerator.vocabulary())
        let schedule = try ExampleSchedule(endSeconds: chain.endSeconds)
        for index in 0..<20 {
            let lines = try chain.transactions(customerIndex: index)
            let examples = extractor.examples(from: lines, schedule: schedule)
            #expect(extractor.examples(from: lines.reversed(), schedule: schedule) == examples)
            for example in examples.training + [examples.evaluation].compactMap(\.self) {
                #expect(example.featureValues.allSatisfy { (0...1).contains($0) })
                #expect(zip(example.featureIndices, example.featureIndices.dropFirst()).allSatisfy(<))
                #expect(example.featureIndices.allSatisfy { $0 < extractor.layout.featureCount })
            }
        }
    }

    @Test func noHistoryNoExample() {
        let future = extractor.examples(from: [line(38 * Self.week, "milk")], schedule: schedule)
        #expect(future == CustomerExamples(training: [], evaluation: nil))
        let early = extractor.examples(from: [line(25 * Self.week, "milk")], schedule: schedule)
        #expect(early.training.count == 2)
        #expect(early.evaluation == nil)
    }

    @Test func extremeValuesStayInRange() throws {
        let lines = (0..<300).map { line(Self.end - 5 * Self.week - $0, "milk", value: .greatestFiniteMagnitude) }
        let example = try #require(extractor.examples(from: lines, schedule: schedule).evaluation)
        #expect(example.featureValues.allSatisfy { (0...1).contains($0) })
    }

    @Test func vocabulariesComeFromTheCatalogue() throws {
        let counts = ["b": 3, "a": 3, "c": 9, "d": 1]
        #expect(try Vocabulary(productCounts: counts, count: 3).categories == ["c", "a", "b"])
        #expect(throws: LearningError.self) { try Vocabulary(productCounts: counts, count: 5) }
        #expect(throws: LearningError.self) { try Vocabulary([]) }
        #expect(throws: LearningError.self) { try Vocabulary(["a", "a"]) }
        #expect(throws: LearningError.self) { try Vocabulary(["a\nb"]) }
    }
}
