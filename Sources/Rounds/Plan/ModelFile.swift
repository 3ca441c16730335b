// The model as a file that PyTorch, JAX and NumPy read as it is: safetensors, with where it came from in its metadata.

import Cryptography
import Learning
import SecureAggregation

/// Reads and writes model files.
public enum ModelFile {
    static let tensorName = "weight"

    /// The file's bytes: one tensor `weight` of shape [categories, features], single precision.
    /// - Throws: `SafetensorsError`.
    public static func encode(
        _ model: PropensityModel, plan: TrainingPlan, job: JobID?, round: UInt64, planDigest: Digest?
    ) throws -> [UInt8] {
        let tensor = try Safetensors.Tensor(
            shape: [model.layout.categoryCount, model.layout.featureCount], floats: model.parameters)
        var metadata = [
            "format": "concord-propensity-1", "round": String(round),
            "categories": plan.vocabulary.categories.joined(separator: "\n"),
        ]
        metadata["job"] = job?.description
        metadata["plan"] = planDigest?.hex
        return try Safetensors(tensors: [tensorName: tensor], metadata: metadata).encoded()
    }

    /// The model that round 1 of a plan starts from; its digest is in the plan, so it names neither job nor plan.
    /// - Throws: `SafetensorsError`.
    public static func initial(_ model: PropensityModel, vocabulary: Vocabulary) throws -> [UInt8] {
        let tensor = try Safetensors.Tensor(
            shape: [model.layout.categoryCount, model.layout.featureCount], floats: model.parameters)
        return try Safetensors(
            tensors: [tensorName: tensor],
            metadata: [
                "format": "concord-propensity-1", "round": "0",
                "categories": vocabulary.categories.joined(separator: "\n"),
            ]
        ).encoded()
    }

    /// Reads a model of a known shape.
    /// - Throws: `SafetensorsError`, `LearningError`, or ``PlanError`` naming the shape.
    public static func decode(_ bytes: [UInt8], layout: FeatureLayout) throws -> PropensityModel {
        let file = try Safetensors(decoding: bytes)
        guard let tensor = file.tensors[tensorName], tensor.shape == [layout.categoryCount, layout.featureCount],
            let floats = tensor.floats
        else {
            throw PlanError(
                field: "model",
                expected: "a tensor weight of [\(layout.categoryCount), \(layout.featureCount)] floats")
        }
        return try PropensityModel(layout: layout, parameters: floats)
    }
}
