// Tools of the attack tests: messages with one field changed.

import Cryptography
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

extension WireMessage {
    /// The message with one field replaced, read back through its decoder.
    func replacing(_ field: UInt64, with value: CBORValue) throws -> Self {
        try Self(cborValue: cborValue.replacing(field, with: value))
    }
}

extension CBORValue {
    /// The map with one field replaced, added, or (nil) left out.
    func replacing(_ field: UInt64, with value: CBORValue?) throws -> CBORValue {
        guard case .map(let entries) = self else { throw SecureAggregationError.malformed("test") }
        var changed = entries.filter { $0.key != field }
        if let value { changed.append(.init(field, value)) }
        return .map(changed.sorted { $0.key < $1.key })
    }

    func field(_ number: UInt64) throws -> CBORValue {
        guard case .map(let entries) = self else { throw SecureAggregationError.malformed("test") }
        return try #require(entries.first { $0.key == number }).value
    }
}

extension SessionParameters {
    /// A copy with some fields changed, as a coordinator that departs from the protocol would sign it.
    func altered(
        registerDigest: Digest? = nil, epochRoot: Digest? = nil, round: UInt64? = nil, attempt: UInt64? = nil,
        modelDigest: Digest? = nil, planDigest: Digest? = nil, consentSize: UInt64? = nil, consentRoot: Digest? = nil,
        previousConsentSize: UInt64? = nil, dimension: Int? = nil, layout: LaneLayout? = nil,
        generator: KeystreamCipher? = nil, cohortSize: Int? = nil, minAlive: Int? = nil,
        deadlineMilliseconds: Int64? = nil, derived: ProtocolParameters? = nil,
        rosterDigest: Digest? = nil, subCohort: SubCohortPlace? = nil
    ) -> SessionParameters {
        SessionParameters(
            registerDigest: registerDigest ?? self.registerDigest, epochRoot: epochRoot ?? self.epochRoot,
            round: round ?? self.round, attempt: attempt ?? self.attempt, modelDigest: modelDigest ?? self.modelDigest,
            planDigest: planDigest ?? self.planDigest, consentSize: consentSize ?? self.consentSize,
            consentRoot: consentRoot ?? self.consentRoot,
            previousConsentSize: previousConsentSize ?? self.previousConsentSize,
            dimension: dimension ?? self.dimension, layout: layout ?? self.layout,
            generator: generator ?? self.generator,
            cohortSize: cohortSize ?? self.cohortSize, minAlive: minAlive ?? self.minAlive,
            deadlineMilliseconds: deadlineMilliseconds ?? self.deadlineMilliseconds, derived: derived ?? self.derived,
            rosterDigest: rosterDigest ?? self.rosterDigest, subCohort: subCohort ?? self.subCohort)
    }
}

extension CoordinatorSession {
    /// The session's offer with other parameters, roster or prekeys.
    func offer(
        for node: NodeIndex, signing parameters: SessionParameters, key: Ed25519PrivateKey, roster: Roster? = nil
    ) throws -> RoundOffer {
        let honest = try #require(offer(for: node))
        return RoundOffer(
            parameters: try SignedMessage(signing: parameters, key: key), roster: roster ?? honest.roster,
            neighbourPrekeys: honest.neighbourPrekeys)
    }
}

extension ShownShare {
    /// What a member at `holder` is shown of a survivor.
    static func of(_ envelope: UploadEnvelope, holder: Int) throws -> Self {
        Self(deal: Deal(upload: envelope.upload), opening: try #require(envelope.shares.opening(of: holder)))
    }

    /// What a member at `holder` is shown of a dropped node.
    static func of(_ bundle: PrekeyBundle, holder: Int) throws -> Self {
        Self(deal: Deal(prekey: bundle.prekey), opening: try #require(bundle.shares.opening(of: holder)))
    }

    /// The same leaf with another ciphertext.
    func replacing(ciphertext: [UInt8]) -> Self {
        Self(deal: deal, opening: .init(commitment: opening.commitment, ciphertext: ciphertext, path: opening.path))
    }
}

extension Reveal {
    /// The reveal with other shares.
    func replacing(shares: [[UInt8]], node: NodeIndex? = nil) -> Reveal {
        Reveal(
            sessionID: sessionID, node: node ?? self.node, labelDigest: labelDigest, shares: shares,
            openingDigest: openingDigest)
    }
}
