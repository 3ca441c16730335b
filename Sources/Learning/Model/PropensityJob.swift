// Everything public that a training job fixes before its first round, in one message: what is signed, pinned and replayed.

import WireFormat

/// The public plan of a propensity job. Two nodes with the same job and the same customer compute the same update.
public struct PropensityJob: WireMessage, Sendable {
    /// The categories.
    public let vocabulary: Vocabulary
    /// The scales of the features.
    public let constants: FeatureConstants
    /// The dates.
    public let schedule: ExampleSchedule
    /// How a customer's update is computed.
    public let training: LocalTrainingConfiguration
    /// L2 bound of a customer's update, above 0.
    public let clipNorm: Float
    /// How the coordinator moves the model.
    public let serverRule: ServerOptimizerRule
    /// The coordinator's public preconditioner, see ``ServerOptimizer/ownCategoryScale``.
    public let ownCategoryScale: Float
    /// Log-odds of every category before the first round, see ``PropensityModel/constant(logOdds:layout:)``, −20 ... 20.
    public let initialLogOdds: Float
    /// Rounds of the job, 1 ... 10,000.
    public let rounds: Int

    /// Fixes a plan.
    /// - Throws: ``LearningError/invalid(field:expected:)``.
    public init(
        vocabulary: Vocabulary, constants: FeatureConstants, schedule: ExampleSchedule,
        training: LocalTrainingConfiguration, clipNorm: Float, serverRule: ServerOptimizerRule,
        ownCategoryScale: Float, initialLogOdds: Float, rounds: Int
    ) throws(LearningError) {
        guard clipNorm > 0, clipNorm.isFinite else {
            throw .invalid(field: "clip norm", expected: "a finite number above 0")
        }
        guard ownCategoryScale > 0, ownCategoryScale.isFinite else {
            throw .invalid(field: "own category scale", expected: "a finite number above 0")
        }
        guard (-20...20).contains(initialLogOdds) else {
            throw .invalid(field: "initial log-odds", expected: "-20 to 20")
        }
        guard (1...10_000).contains(rounds) else { throw .invalid(field: "rounds", expected: "1 to 10,000") }
        try serverRule.check()
        self.vocabulary = vocabulary
        self.constants = constants
        self.schedule = schedule
        self.training = training
        self.clipNorm = clipNorm
        self.serverRule = serverRule
        self.ownCategoryScale = ownCategoryScale
        self.initialLogOdds = initialLogOdds
        self.rounds = rounds
    }

    /// A plan with the default hyper-parameters.
    ///
    /// How they were found: a scan on the generated chain (``RetailGenerator``, seed 1: 20,000 customers, 60 % of them
    /// consented, 48 categories, 7,152 weights) over step sizes, local epochs, clip norms, the three server rules and the
    /// preconditioner, each with 12 rounds of all consented customers and Gaussian noise of standard deviation 5 C on the
    /// sum. Two thirds of the updates are clipped at 0.5; halving or doubling the clip, or the preconditioner, moves mean
    /// average precision by less than 0.01. More local epochs do not help, and Adam was less stable in so few rounds.
    /// Protocols/training.md has the figures. No customer's data chose them, so they cost no privacy.
    /// - Parameters:
    ///   - vocabulary: the categories.
    ///   - schedule: the dates.
    ///   - initialLogOdds: the planner's public expectation; −2 is an eighth of the categories a period, −3 a twentieth.
    ///   - rounds: as many as the privacy budget is split over.
    /// - Throws: ``LearningError/invalid(field:expected:)`` if the last two are out of range.
    public static func defaults(
        vocabulary: Vocabulary, schedule: ExampleSchedule, initialLogOdds: Float = -2, rounds: Int = 12
    ) throws(LearningError) -> PropensityJob {
        try PropensityJob(
            vocabulary: vocabulary, constants: .standard, schedule: schedule,
            training: LocalTrainingConfiguration(learningRate: 0.1, localEpochs: 1), clipNorm: 0.5,
            serverRule: .fedAvgM(learningRate: 5, momentum: 0.6), ownCategoryScale: 40, initialLogOdds: initialLogOdds,
            rounds: rounds)
    }

    /// Which feature is where.
    public var layout: FeatureLayout { FeatureLayout(categoryCount: vocabulary.count) }
    /// The model before the first round.
    public var initialModel: PropensityModel { .constant(logOdds: initialLogOdds, layout: layout) }
    /// What turns a customer's transactions into examples.
    public var extractor: FeatureExtractor { FeatureExtractor(vocabulary: vocabulary, constants: constants) }

    /// The coordinator's optimiser before the first round.
    /// - Throws: ``LearningError/invalid(field:expected:)``: never for a job that was accepted.
    public func makeServerOptimizer() throws(LearningError) -> ServerOptimizer {
        try ServerOptimizer(rule: serverRule, ownCategoryScale: ownCategoryScale, layout: layout)
    }

    /// The message's name in the CDDL.
    public static let messageName = "propensity-job"

    /// Fields 1 to 9 in the order of the initialiser.
    public var cborValue: CBORValue {
        .message(
            (1, vocabulary.cborValue), (2, constants.cborValue), (3, schedule.cborValue), (4, training.cborValue),
            (5, .bytes(FloatCoding.bytes([clipNorm]))), (6, serverRule.cborValue),
            (7, .bytes(FloatCoding.bytes([ownCategoryScale]))), (8, .bytes(FloatCoding.bytes([initialLogOdds]))),
            (9, .unsigned(UInt64(rounds))))
    }

    /// Reads a plan.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let vocabulary = try fields.message(1, "vocabulary", as: Vocabulary.self)
        let constants = try fields.message(2, "constants", as: FeatureConstants.self)
        let schedule = try fields.message(3, "schedule", as: ExampleSchedule.self)
        let training = try fields.message(4, "training", as: LocalTrainingConfiguration.self)
        let clipNorm = try fields.float(5, "clip-norm")
        let rule = try fields.message(6, "server-rule", as: ServerOptimizerRule.self)
        let scale = try fields.float(7, "own-category-scale")
        let logOdds = try fields.float(8, "initial-log-odds")
        let rounds = try fields.integer(9, "rounds", in: 1...10_000)
        do throws(LearningError) {
            try self.init(
                vocabulary: vocabulary, constants: constants, schedule: schedule, training: training,
                clipNorm: clipNorm, serverRule: rule, ownCategoryScale: scale, initialLogOdds: logOdds,
                rounds: rounds)
        } catch {
            throw .unexpected(field: "propensity-job", expected: "values in their ranges")
        }
    }
}
