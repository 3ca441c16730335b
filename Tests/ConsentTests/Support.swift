// Builders that keep the tests to one line an event.

import Cryptography
import MerkleLog
import TestSupport
import WireFormat

@testable import Consent

/// SplitMix64 (Steele, Lea and Flood 2014): repeatable histories.
struct TestGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
    mutating func handle() -> SubjectHandle { SubjectHandle(high: next(), low: next()) }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

let day: Int64 = 86_400_000
let origin = "chain.example/consent"

func name(_ number: Int) throws -> EventIdentifier {
    var bytes = [UInt8](repeating: 0, count: 8)
    bytes.appendBigEndian(UInt64(number), width: 8)
    return try EventIdentifier(bytes)
}

func digest(_ byte: UInt8) throws -> Digest { try Digest([UInt8](repeating: byte, count: 32)) }

let someone = SubjectHandle(high: 1, low: 2)

/// An event with the circumstances its kind asks for.
func event(
    _ kind: EventKind, _ number: Int, of handle: SubjectHandle = someone, _ purposes: [PurposeDecision] = [],
    at time: Int64 = 0, effective: Int64? = nil, expires: Int64? = nil, seen: [Int] = [], supersedes: [Int] = [],
    home: UInt32? = nil
) throws -> ConsentEvent {
    let isGrant = kind == .granted || kind == .renewed
    let needsNotice = isGrant || kind == .noticeServed
    return try ConsentEvent(
        kind, of: handle, identifier: name(number), purposes: purposes,
        legalBasis: isGrant ? .explicitConsent : nil, jurisdiction: isGrant ? "DE-BY" : nil,
        notice: needsNotice ? NoticeReference(identifier: "loyalty", version: 7, digest: digest(9)) : nil,
        channel: .kiosk, actor: .subject, homeNode: home, capturedAtMilliseconds: time,
        effectiveAtMilliseconds: effective, expiresAtMilliseconds: expires, seen: seen.map(name),
        supersedes: supersedes.map(name))
}

let train = PurposeDecision(.grant, .trainFederated)
let noTrain = PurposeDecision(.deny, .trainFederated)
func personalise(_ level: Int) -> PurposeDecision { PurposeDecision(.grant, .personalise, level: level) }
func noPersonalise(_ level: Int) -> PurposeDecision { PurposeDecision(.deny, .personalise, level: level) }

func fold(_ events: [ConsentEvent]) -> ConsentFold {
    var fold = ConsentFold()
    for (index, event) in events.enumerated() { fold.insert(event, index: index, recordedMilliseconds: 0) }
    return fold
}

let ledgerKey: Ed25519PrivateKey = {
    do { return try Ed25519PrivateKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32))) } catch {
        fatalError("a seed of 32 bytes is a key")
    }
}()

/// A verified view with the rows given.
func verifiedView(
    _ rows: [ViewRow], node: UInt32 = 1, size: Int = 10, previous: Int = 0, asOf: Int64 = 100 * day
) throws -> VerifiedView {
    let pinned = try PinnedCheckpoint(size: size, root: digest(UInt8(truncatingIfNeeded: size)))
    let view = try ConsentView(
        origin: origin, node: node, pinned: pinned, previousPinned: previous, asOfMilliseconds: asOf,
        rows: rows.sorted { $0.handle < $1.handle })
    return try VerifiedView(
        verifying: view, signature: view.statement.signature(by: ledgerKey), by: ledgerKey.publicKey, origin: origin,
        node: node, pinned: pinned, previousPinned: previous)
}

func row(
    _ handle: SubjectHandle, _ status: ConsentStatus = .given, until seconds: UInt32 = 0, level: UInt8 = 0,
    untilDay: UInt16 = 0
) -> ViewRow {
    ViewRow(
        handle: handle, trainStatus: status, trainExpiresSeconds: seconds, personaliseLevel: level,
        personaliseExpiresDay: untilDay)
}
