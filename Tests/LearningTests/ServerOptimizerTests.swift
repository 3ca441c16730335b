import Learning
import Testing
import WireFormat

@Suite struct ServerOptimizerTests {
    let layout = FeatureLayout(categoryCount: 1)  // 8 parameters: three of the category, five global

    func run(_ rule: ServerOptimizerRule, scale: Float = 1, steps: [Float]) throws -> [[Float]] {
        var model = PropensityModel(layout: layout)
        var optimizer = try ServerOptimizer(rule: rule, ownCategoryScale: scale, layout: layout)
        return try steps.map { step in
            try optimizer.step(&model, averageUpdate: [Float](repeating: step, count: layout.parameterCount))
            return model.parameters
        }
    }

    @Test func averagingAdds() throws {
        let models = try run(.fedAvg(learningRate: 2), steps: [1, -0.25])
        #expect(models.map { $0[0] } == [2, 1.5])
    }

    @Test func momentumRemembers() throws {
        // m: 1, 0.5·1 + 1 = 1.5, 0.75; x adds 2 m.
        let models = try run(.fedAvgM(learningRate: 2, momentum: 0.5), steps: [1, 1, 0])
        #expect(models.map { $0[7] } == [2, 5, 6.5])
    }

    @Test func adamFollowsAlgorithmTwo() throws {
        // By hand with β₁ = 0.5, β₂ = 0.75, τ = 1, η = 1, Δ = 2: m = 1, v = 0.75 + 0.25·4 = 1.75.
        let first = 1 / (Float(1.75).squareRoot() + 1)
        // Then Δ = 0: m = 0.5, v = 0.75 · 1.75 = 1.3125.
        let second = first + 0.5 / (Float(1.3125).squareRoot() + 1)
        let models = try run(.fedAdam(learningRate: 1, beta1: 0.5, beta2: 0.75, tau: 1), steps: [2, 0])
        for (model, expected) in zip(models, [first, second]) { #expect(abs(model[0] - expected) < 1e-6) }
    }

    @Test func theScaleReachesAcategorysOwnWeightsOnly() throws {
        let models = try run(.fedAvg(learningRate: 1), scale: 10, steps: [1])
        #expect(models[0] == [10, 10, 10, 1, 1, 1, 1, 1])
    }

    static let rules: [ServerOptimizerRule] = [
        .fedAvg(learningRate: 0.5), .fedAvgM(learningRate: 5, momentum: 0.6),
        .fedAdam(learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.001),
    ]

    @Test(arguments: rules)
    func stateSurvivesItsBytes(rule: ServerOptimizerRule) throws {
        var model = PropensityModel(layout: layout)
        var optimizer = try ServerOptimizer(rule: rule, ownCategoryScale: 40, layout: layout)
        let update = (0..<layout.parameterCount).map { Float($0) / 7 - 0.4 }
        try optimizer.step(&model, averageUpdate: update)
        var restored = try ServerOptimizer(decoding: optimizer.encoded())
        #expect(restored == optimizer)
        var other = model
        try optimizer.step(&model, averageUpdate: update)
        try restored.step(&other, averageUpdate: update)
        #expect(model.parameters.map(\.bitPattern) == other.parameters.map(\.bitPattern))
        #expect(restored.stepCount == 2)
    }

    @Test(arguments: rules)
    func aRefusedStepChangesNothing(rule: ServerOptimizerRule) throws {
        var model = PropensityModel(layout: layout)
        var optimizer = try ServerOptimizer(rule: rule, layout: layout)
        try optimizer.step(&model, averageUpdate: [Float](repeating: 1, count: layout.parameterCount))
        let before = (model, optimizer)
        var bad = [Float](repeating: 1, count: layout.parameterCount)
        bad[3] = .nan
        #expect(throws: LearningError.notFinite("average update")) {
            try optimizer.step(&model, averageUpdate: bad)
        }
        #expect(throws: LearningError.self) { try optimizer.step(&model, averageUpdate: [1]) }
        let huge = [Float](repeating: .greatestFiniteMagnitude, count: layout.parameterCount)
        if case .fedAvg = rule {
        } else {
            #expect(throws: LearningError.self) { try optimizer.step(&model, averageUpdate: huge) }
        }
        #expect(model == before.0)
        #expect(optimizer == before.1)
    }

    @Test func constantsAreChecked() {
        let bad: [ServerOptimizerRule] = [
            .fedAvg(learningRate: 0), .fedAvg(learningRate: .nan), .fedAvgM(learningRate: 1, momentum: 1),
            .fedAvgM(learningRate: 1, momentum: -0.1), .fedAdam(learningRate: 1, beta1: 0, beta2: 0, tau: 0),
            .fedAdam(learningRate: 1, beta1: .nan, beta2: 0, tau: 1),
        ]
        for rule in bad {
            #expect(throws: LearningError.self) { try ServerOptimizer(rule: rule, layout: layout) }
            #expect(throws: WireFormatError.self) { try ServerOptimizerRule(decoding: rule.encoded()) }
        }
        #expect(throws: LearningError.self) {
            try ServerOptimizer(rule: .fedAvg(learningRate: 1), ownCategoryScale: 0, layout: layout)
        }
    }

    @Test func bytesThatAreNoStateAreRefused() throws {
        let optimizer = try ServerOptimizer(rule: Self.rules[2], layout: layout)
        let bytes = optimizer.encoded()
        for end in bytes.indices {
            #expect(throws: WireFormatError.self) { try ServerOptimizer(decoding: [UInt8](bytes[..<end])) }
        }
        // The moments of another rule.
        guard case .map(var entries) = optimizer.cborValue else { return }
        entries[0] = .init(1, Self.rules[0].cborValue)
        #expect(throws: WireFormatError.self) { try ServerOptimizer(cborValue: .map(entries)) }
    }
}
