// Somebody without any key alters the file: one bit, a cut, a part put elsewhere. Nothing may pass, and what is said must
// be about the part that was altered.

import Cryptography
import Foundation
import SecureAggregation
import Testing
import WireFormat

@testable import Evidence

@Suite("An altered file")
struct AlterationTests {
    /// With CONCORD_EXHAUSTIVE=1 the whole verifier runs for every byte and every length, which takes minutes in a debug
    /// build. Without it, for one byte in 101, which meets every part many times; the seal is tried with every byte always.
    static let stride = ProcessInfo.processInfo.environment["CONCORD_EXHAUSTIVE"] == "1" ? 1 : 101

    @Test("is refused whichever byte has a flipped bit, naming the part it lies in")
    func flippedBits() throws {
        let (scenario, parts) = try EvidenceScenario.complete()
        let bytes = try scenario.sealed(parts)
        let verifier = try EvidenceVerifier(anchors: scenario.anchors)
        let layout = try Layout(parts, in: bytes)
        for position in Swift.stride(from: 0, to: bytes.count, by: Self.stride) {
            var altered = bytes
            altered[position] ^= 1 << UInt8(position % 8)
            guard let error = failure({ _ = try verifier.verify(bytes: altered) }) else {
                Issue.record("byte \(position) was altered, and nothing noticed")
                continue
            }
            let expected = layout.places(at: position)
            #expect(expected.contains(error.place), "byte \(position): \(error)")
        }
    }

    @Test("breaks the seal whichever byte has a flipped bit")
    func everyByteIsSealed() throws {
        let (scenario, parts) = try EvidenceScenario.complete()
        var bytes = try scenario.sealed(parts)
        let key = scenario.coordinator.publicKey
        #expect(EvidenceBundle.isSealed(bytes, by: key))
        var unnoticed: [Int] = []
        for position in bytes.indices {
            bytes[position] ^= 1 << UInt8(position % 8)
            if EvidenceBundle.isSealed(bytes, by: key) { unnoticed.append(position) }
            bytes[position] ^= 1 << UInt8(position % 8)
        }
        #expect(unnoticed.isEmpty)
    }

    @Test("is refused however long the piece that is left")
    func truncations() throws {
        let (scenario, parts) = try EvidenceScenario.complete()
        let bytes = try scenario.sealed(parts)
        let verifier = try EvidenceVerifier(anchors: scenario.anchors)
        let lengths =
            Array(Swift.stride(from: 0, to: bytes.count, by: Self.stride)) + (bytes.count - 70..<bytes.count)
        for length in lengths {
            let error = failure { _ = try verifier.verify(bytes: Array(bytes[..<length])) }
            #expect(error == EvidenceError(.file, .malformed(.truncated)), "\(length) bytes")
        }
        #expect(
            failure { _ = try verifier.verify(bytes: bytes + [0]) }
                == EvidenceError(.file, .malformed(.trailingBytes)))
    }

    /// What somebody without keys can do to the parts, re-encoded as it should be and sealed by himself. The coordinator's
    /// seal is put on it all the same: the check must not need it.
    @Test(
        "is refused when parts are dropped, moved or rewritten",
        arguments: [
            ("drop a commitment", "round 1: commitment-missing"), ("drop the charge", "round 1: release-before-charge"),
            ("drop the opening", "round 1: record-order"), ("drop the last release", "model: final-model"),
            ("drop every entry", "file: round-missing"), ("swap two entries", "entry 5: entry-order"),
            ("swap two payloads", "entry 4: leaf-commitment"), ("swap two indices", "entry 4: inclusion"),
            ("repeat an entry", "entry 5: entry-order"), ("lower ε", "entry 20: leaf-commitment"),
            ("lower ε and fix the leaf", "entry 20: inclusion"),
            ("nonce on a public entry", "entry 4: leaf-commitment"),
            ("consent entry among rounds", "entry 0: leaf-class"),
            ("drop the pinned checkpoint", "round 1: pinned-checkpoint"),
            ("drop the final checkpoint", "entry 0: inclusion"),
            ("swap checkpoints", "checkpoint 1: checkpoint-order"),
            ("no checkpoint", "file: checkpoint-missing"),
            ("proof before the first checkpoint", "checkpoint 0: consistency"),
            ("drop an attempt", "round 1: attempt-missing"),
            ("repeat the last attempt", "attempt 2: attempt-unexpected"),
            ("fewer votes", "round 1: certificate"), ("a voter twice", "round 1: certificate"),
            ("votes of the other round", "round 1: certificate"), ("one more survivor", "round 1: certificate"),
            ("one survivor less", "round 1: certificate"), ("roster of the other round", "round 1: parameters"),
            ("a longer bitmap", "round 1: survivors"), ("another final model", "model: final-model"),
            ("another plan", "plan: plan-signature"),
        ])
    func rewrittenParts(change: String, expected: String) throws {
        var (scenario, parts) = try EvidenceScenario.complete()
        try Self.apply(change, to: &parts, scenario)
        let error = failure { _ = try scenario.verify(parts) }
        #expect(error.map { "\($0.place): \($0.failure.code)" } == expected)
    }

    // Round 1's records are entries 0 (opened), 1...19 (commitments), 20 (charge), 21 (release); round 2's start at 22.
    private static func apply(_ change: String, to parts: inout EvidenceParts, _ scenario: EvidenceScenario) throws {
        switch change {
        case "drop a commitment": parts.entries.remove(at: 4)
        case "drop the charge": parts.entries.remove(at: 20)
        case "drop the opening": parts.entries.remove(at: 0)
        case "drop the last release": parts.entries.removeLast()
        case "drop every entry": parts.entries = []
        case "swap two entries": parts.entries.swapAt(4, 5)
        case "swap two payloads":
            let (four, five) = (parts.entries[4], parts.entries[5])
            parts.entries[4] = try four.with(3, .bytes(five.payload))
        case "swap two indices":
            parts.entries[4] = try parts.entries[5].with(1, .unsigned(UInt64(parts.entries[4].index)))
        case "repeat an entry": parts.entries.insert(parts.entries[4], at: 5)
        case "lower ε", "lower ε and fix the leaf":
            let entry = parts.entries[20]
            let payload = entry.payload.replacing(
                CBORValue.unsigned(10_000).encoded(), with: CBORValue.unsigned(9_999).encoded())
            #expect(payload != entry.payload)
            parts.entries[20] = try entry.with(3, .bytes(payload))
            if change != "lower ε" {
                let nonce = [UInt8](repeating: 0, count: 32)
                let commitment = SHA256.hash(
                    [UInt8]("consent-ledger/v1/payload\n".utf8) + nonce + payload)
                let leaf = entry.leafBytes.prefix(20) + commitment.bytes
                parts.entries[20] = try parts.entries[20].with(2, .bytes([UInt8](leaf)))
            }
        case "nonce on a public entry":
            parts.entries[4] = try parts.entries[4].with(5, .bytes([UInt8](repeating: 0, count: 32)))
        case "consent entry among rounds": parts.entries.insert(try scenario.evidence(at: 0), at: 0)
        case "drop the pinned checkpoint", "drop the final checkpoint", "no checkpoint":
            var kept = parts.checkpoints
            switch change {
            case "drop the pinned checkpoint": kept.removeFirst()
            case "drop the final checkpoint": kept.removeLast()
            default: kept.removeAll()
            }
            parts.checkpoints = try kept.enumerated().map { try $1.with(2, $0 == 0 ? .bytes([]) : nil) }
        case "swap checkpoints":
            parts.checkpoints.swapAt(0, 1)
            parts.checkpoints[0] = try parts.checkpoints[0].with(2, .bytes([]))
        case "proof before the first checkpoint":
            parts.checkpoints[0] = try parts.checkpoints[0].with(2, .bytes([UInt8](repeating: 1, count: 32)))
        default: try applyToAttempts(change, to: &parts)
        }
    }

    private static func applyToAttempts(_ change: String, to parts: inout EvidenceParts) throws {
        let first = parts.attempts[0]
        let votes = first.certificate.votes
        func certificate(_ votes: [SignedMessage<LabelVote>]) throws {
            parts.attempts[0] = try first.with(4, LabelCertificate(votes: votes).cborValue)
        }
        switch change {
        case "drop an attempt": parts.attempts.removeFirst()
        case "repeat the last attempt": parts.attempts.append(parts.attempts[1])
        case "fewer votes": try certificate(Array(votes.dropLast()))
        case "a voter twice": try certificate(votes.dropLast() + [votes[3]])
        case "votes of the other round": try certificate(parts.attempts[1].certificate.votes)
        case "one more survivor": parts.attempts[0] = try first.with(3, .bytes(parts.attempts[1].survivorBitmap))
        case "one survivor less":
            var bitmap = first.survivorBitmap
            bitmap[0] ^= 0x80
            parts.attempts[0] = try first.with(3, .bytes(bitmap))
        case "roster of the other round": parts.attempts[0] = try first.with(2, .bytes(parts.attempts[1].rosterBytes))
        case "a longer bitmap": parts.attempts[0] = try first.with(3, .bytes(first.survivorBitmap + [0]))
        case "another final model": parts.modelDigest = SHA256.hash([1])
        case "another plan":
            parts.plan = SignedPlan(bodyBytes: parts.plan.bodyBytes + [0], signature: parts.plan.signature)
        default: Issue.record("no such change: \(change)")
        }
    }
}

/// Where the parts lie in the file.
private struct Layout {
    private var ranges: [(range: Range<Int>, places: [EvidenceError.Place])] = []

    init(_ parts: EvidenceParts, in file: [UInt8]) throws {
        var start = 0
        func take(_ bytes: [UInt8], _ places: EvidenceError.Place...) throws {
            let range = try required(file[start...].firstRange(of: bytes))
            ranges.append((range, places))
            start = range.upperBound
        }
        try take(parts.register.encoded(), .register)
        try take(parts.plan.encoded(), .plan)
        for (position, part) in parts.checkpoints.enumerated() { try take(part.encoded(), .checkpoint(position)) }
        for (position, part) in parts.entries.enumerated() { try take(part.encoded(), .entry(position)) }
        for (position, part) in parts.attempts.enumerated() {
            try take(part.encoded(), .attempt(position), .round(UInt32(position + 1)))
        }
        // A path through a sorted tree does not bind the tree's size: where the turns stay the same, the seal must do.
        for (position, part) in parts.withdrawals.enumerated() {
            try take(part.encoded(), .withdrawal(position), .seal)
        }
        try take(parts.modelDigest.bytes, .model)
        ranges.append((file.count - 64..<file.count, [.seal]))
    }

    /// What may be named for a byte: its part; or the file, where the byte is one that holds CBOR together.
    func places(at position: Int) -> [EvidenceError.Place] {
        [.file] + (ranges.first { $0.range.contains(position) }?.places ?? [])
    }
}

extension WireMessage {
    /// The message with one field replaced, or as it is for nil.
    func with(_ key: UInt64, _ value: CBORValue?) throws -> Self {
        guard let value, case .map(let fields) = cborValue else { return self }
        let kept = fields.filter { $0.key != key } + [CBORValue.MapEntry(key, value)]
        return try Self(cborValue: .map(kept.sorted { $0.key < $1.key }))
    }
}
