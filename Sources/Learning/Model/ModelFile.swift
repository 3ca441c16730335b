// A trained model as a file that others open: safetensors, with what is needed to use it in the metadata.

/// A propensity model with the public constants it was trained under.
public struct ModelFile: Equatable, Sendable {
    /// The weights.
    public let model: PropensityModel
    /// What the rows mean.
    public let vocabulary: Vocabulary
    /// How the features are scaled.
    public let constants: FeatureConstants
    /// Further facts about the model, such as its round and its privacy statement; names are the caller's.
    public let facts: [String: String]

    private static let format = "concord-propensity-1"
    private static let tensorName = "propensity.weight"
    /// Names of metadata that the file itself uses.
    private static let reserved: Set<String> = [
        "format", "categories", "lookback_weeks", "recency_decay_weeks", "frequency_cap", "value_cap", "visit_cap",
        "spend_cap",
    ]

    /// Collects what belongs together.
    /// - Throws: ``LearningError`` if the model has another number of categories, or a fact takes a reserved name.
    public init(
        model: PropensityModel, vocabulary: Vocabulary, constants: FeatureConstants, facts: [String: String] = [:]
    ) throws(LearningError) {
        guard model.layout.categoryCount == vocabulary.count else {
            throw .wrongLength(of: "vocabulary", expected: model.layout.categoryCount, actual: vocabulary.count)
        }
        guard Self.reserved.isDisjoint(with: facts.keys) else {
            throw .invalid(field: "model facts", expected: "names that the file format does not use")
        }
        self.model = model
        self.vocabulary = vocabulary
        self.constants = constants
        self.facts = facts
    }

    /// The file: one F32 tensor `propensity.weight` of shape [K, F], as a linear layer of PyTorch holds it. Categories are
    /// joined by line feeds, which a category cannot contain.
    /// - Throws: ``SafetensorsError``: never for a valid model.
    public func encoded() throws(SafetensorsError) -> [UInt8] {
        var metadata = facts
        metadata["format"] = Self.format
        metadata["categories"] = vocabulary.categories.joined(separator: "\n")
        metadata["lookback_weeks"] = String(constants.lookbackWeeks)
        metadata["recency_decay_weeks"] = String(constants.recencyDecayWeeks)
        metadata["frequency_cap"] = String(constants.frequencyCap)
        metadata["value_cap"] = String(constants.valueCap)
        metadata["visit_cap"] = String(constants.visitCap)
        metadata["spend_cap"] = String(constants.spendCap)
        let weights = try Safetensors.Tensor(
            shape: [model.layout.categoryCount, model.layout.featureCount], floats: model.parameters)
        return try Safetensors(tensors: [Self.tensorName: weights], metadata: metadata).encoded()
    }

    /// Reads a file that ``encoded()`` wrote.
    /// - Throws: ``SafetensorsError`` or ``LearningError``; never traps.
    public init(decoding bytes: [UInt8]) throws {
        let file = try Safetensors(decoding: bytes)
        guard file.metadata["format"] == Self.format, file.tensors.count == 1,
            let tensor = file.tensors[Self.tensorName], let weights = tensor.floats
        else { throw LearningError.invalid(field: "model file", expected: "a \(Self.format) file") }
        let categories = (file.metadata["categories"] ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        let vocabulary = try Vocabulary(categories.map(String.init))
        let layout = FeatureLayout(categoryCount: vocabulary.count)
        guard tensor.shape == [layout.categoryCount, layout.featureCount] else {
            throw LearningError.invalid(field: "model file", expected: "weights of shape [K, F]")
        }
        func constant(_ name: String) throws(LearningError) -> Int {
            guard let value = file.metadata[name].flatMap({ Int($0) }) else {
                throw .invalid(field: "model file \(name)", expected: "a whole number")
            }
            return value
        }
        try self.init(
            model: PropensityModel(layout: layout, parameters: weights), vocabulary: vocabulary,
            constants: FeatureConstants(
                lookbackWeeks: constant("lookback_weeks"), recencyDecayWeeks: constant("recency_decay_weeks"),
                frequencyCap: constant("frequency_cap"), valueCap: constant("value_cap"),
                visitCap: constant("visit_cap"), spendCap: constant("spend_cap")),
            facts: file.metadata.filter { !Self.reserved.contains($0.key) })
    }
}
