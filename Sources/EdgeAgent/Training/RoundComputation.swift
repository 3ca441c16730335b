// What a node computes in a round: gate every customer, train each alone, clip each to integers, add the noise share,
// pack. Nothing here is observable but its result, which is masked before it leaves.

import Consent
import Cryptography
import DifferentialPrivacy
import Learning
import Rounds
import SecureAggregation
import Vectors

/// One round's computation.
struct RoundComputation: Sendable {
    let plan: ValidatedPlan
    let model: PropensityModel
    let keys: NodeKeys
    let random: any RandomSource

    /// The packed, noised vector of this node.
    /// - Parameters:
    ///   - view: verified, at exactly the pinned checkpoint.
    ///   - removals: customers whose local captures speak against training; they can only remove.
    ///   - nowMilliseconds: at which expiries are judged.
    func packedVector(
        view: VerifiedView, removals: [SubjectHandle], data: CustomerData, sessionID: Digest, nowMilliseconds: Int64
    ) throws -> [UInt64] {
        var gate = try ConsentGate(view, maximumStalenessMilliseconds: Self.maximumStalenessMilliseconds)
        for handle in removals { gate.withdraw(handle, purpose: .trainFederated) }

        // Three generators for three uses: a coin must never be a noise word.
        var participation = try generator("participation", sessionID)
        var rounding = try generator("rounding", sessionID)
        var noise = try generator("noise", sessionID)

        var vector = [Int64](repeating: 0, count: plan.dimension)
        var clip = try IntegerClip(bound: plan.bound, clipNorm: plan.clipNorm)
        var trainer = LocalTrainer(model: model, configuration: plan.plan.job.training)
        let extractor = plan.plan.job.extractor
        var update = [Float](repeating: 0, count: plan.modelLayout.parameterCount)
        for row in view.rows {
            // The gate comes before the coin, and both before any data of hers is read.
            guard gate.decide(row.handle, purpose: .trainFederated, nowMilliseconds: nowMilliseconds).isAllowed else {
                continue
            }
            guard plan.sampling.flip(&participation) else { continue }
            guard let examples = data.examples(of: row.handle, job: plan.plan.job, extractor: extractor) else {
                continue
            }
            trainer.update(examples, into: &update)
            let norm = IntegerClip.norm(of: update)
            clip.contribute(
                update: update, norm: norm,
                rideAlongs: [norm <= plan.clipNorm ? 1 : -1, min(1, trainer.loss(examples) / TrainingPlan.lossScale)],
                coins: &rounding, into: &vector)
        }
        plan.mechanism.addShare(to: &vector, &noise)
        return plan.plan.layout.pack(vector)
    }

    /// Older views deny everybody.
    static let maximumStalenessMilliseconds: Int64 = 24 * 3_600_000

    private func generator(_ use: String, _ sessionID: Digest) throws -> KeyedRandomGenerator {
        try KeyedRandomGenerator(key: try keys.sessionKey(for: use, sessionID: sessionID, random: random))
    }
}
