// Events: one encoding, and a rule for every field.

import Cryptography
import Foundation
import TestSupport
import Testing
import WireFormat

@testable import Consent

@Suite struct ConsentEventTests {
    private func full() throws -> ConsentEvent {
        try event(
            .granted, 5, [train, noPersonalise(3), personalise(2)], at: 3 * day, effective: 4 * day, expires: 9 * day,
            seen: [3, 1], supersedes: [1])
    }

    @Test func everyKindSurvivesTheWire() throws {
        let events = [
            try full(), try event(.renewed, 1, [PurposeDecision(.grant, .shareSell)]),
            try event(.refused, 1, [noTrain]), try event(.withdrawn, 1, [noPersonalise(4)]),
            try event(.expired, 1, [noTrain]), try event(.objection, 1, [noTrain]),
            try event(.objectionLifted, 1, supersedes: [2]), try event(.restricted, 1),
            try event(.unrestricted, 1, supersedes: [2]), try event(.erased, 1), try event(.homeAssigned, 1, home: 0),
            try event(.homeAssigned, 1, home: .max), try event(.noticeServed, 1),
        ]
        #expect(Set(events.map(\.kind)).count == EventKind.allCases.count)
        for event in events {
            #expect(try ConsentEvent(decoding: event.encoded()) == event)
            #expect("\(event)" == "<event \(event.kind)>")
        }
        #expect(try full().purposes == [train, personalise(2), noPersonalise(3)])
    }

    @Test func whatBreaksARuleIsRefusedByName() throws {
        func field(_ make: () throws -> ConsentEvent) -> String? {
            let error = #expect(throws: WireFormatError.self) { _ = try make() }
            switch error {
            case .unexpected(let field, _), .missing(let field), .tooLarge(let field): return field
            default: return nil
            }
        }
        func granting(
            _ purposes: [PurposeDecision], basis: LegalBasis? = .consent, law: String? = "DE",
            notice: NoticeReference? = NoticeReference(identifier: "n", version: 1, digest: SHA256.hash([]))
        ) throws -> ConsentEvent {
            try ConsentEvent(
                .granted, of: someone, identifier: name(1), purposes: purposes, legalBasis: basis, jurisdiction: law,
                notice: notice, channel: .app, actor: .subject, capturedAtMilliseconds: 0)
        }
        let hash = SHA256.hash([])
        let table: [(String, () throws -> ConsentEvent)] = [
            ("purposes", { try event(.granted, 1) }), ("purposes", { try event(.granted, 1, [noTrain]) }),
            ("purposes", { try event(.withdrawn, 1, [train]) }), ("purposes", { try event(.refused, 1) }),
            ("purposes", { try event(.restricted, 1, [noTrain]) }),
            ("purposes", { try event(.granted, 1, [train, train]) }),
            ("purposes", { try event(.granted, 1, [personalise(1), personalise(2)]) }),
            ("purposes.level", { try event(.granted, 1, [personalise(5)]) }),
            ("purposes.level", { try event(.granted, 1, [personalise(0)]) }),
            ("purposes.level", { try event(.refused, 1, [PurposeDecision(.deny, .marketDirect, level: 2)]) }),
            ("legalBasis", { try granting([train], basis: nil) }),
            ("legalBasis", { try granting([personalise(4)]) }),
            ("jurisdiction", { try granting([train], law: nil) }),
            ("jurisdiction", { try granting([train], law: "de") }),
            ("jurisdiction", { try granting([train], law: "DE-") }),
            ("jurisdiction", { try granting([train], law: "DE_BY") }),
            ("jurisdiction", { try granting([train], law: "DE-BYXX") }),
            ("jurisdiction", { try granting([train], law: "D") }),
            ("notice", { try granting([train], notice: nil) }),
            ("notice.id", { try granting([train], notice: NoticeReference(identifier: "", version: 1, digest: hash)) }),
            (
                "notice.id",
                { try granting([train], notice: NoticeReference(identifier: "a b", version: 1, digest: hash)) }
            ),
            (
                "notice.version",
                {
                    try granting([train], notice: NoticeReference(identifier: "n", version: 0, digest: hash))
                }
            ),
            ("capturedAt", { try event(.erased, 1, at: -1, effective: 0) }),
            ("effectiveAt", { try event(.erased, 1, effective: 1 << 48) }),
            ("expiresAt", { try event(.granted, 1, [train], at: 5, expires: 5) }),
            ("expiresAt", { try event(.granted, 1, [train], expires: 1 << 48) }),
            ("expiresAt", { try event(.refused, 1, [noTrain], expires: 5) }),
            ("homeNode", { try event(.homeAssigned, 1) }), ("homeNode", { try event(.erased, 1, home: 1) }),
            ("seen", { try event(.erased, 1, seen: [1]) }), ("seen", { try event(.erased, 1, seen: [2, 2]) }),
            ("seen", { try event(.erased, 1, seen: Array(2...66)) }),
            ("supersedes", { try event(.objectionLifted, 1) }), ("supersedes", { try event(.unrestricted, 1) }),
            ("supersedes", { try event(.withdrawn, 1, [noTrain], supersedes: [2]) }),
            ("supersedes", { try event(.granted, 1, [train], supersedes: [1]) }),
            ("supersedes", { try event(.granted, 1, [train], supersedes: Array(2...18)) }),
        ]
        for (expected, make) in table { #expect(field(make) == "consent-event.\(expected)") }
        #expect(try granting([train]).kind == .granted)
        #expect(try granting([personalise(4)], basis: .explicitConsent, law: "US-CA").kind == .granted)
    }

    @Test func changedEncodingsAreRefused() throws {
        guard case .map(let entries) = try full().cborValue else { return }
        func decode(_ key: UInt64, _ value: CBORValue?) throws -> ConsentEvent {
            let others = entries.filter { $0.key != key }
            let changed = value.map { others + [CBORValue.MapEntry(key, $0)] } ?? others
            return try ConsentEvent(cborValue: .map(changed.sorted { $0.key < $1.key }))
        }
        let optional: Set<UInt64> = [12]
        for entry in entries where !optional.contains(entry.key) && entry.key != 9 {
            #expect(throws: WireFormatError.self, "without field \(entry.key)") { try decode(entry.key, nil) }
        }
        let wrong: [(UInt64, CBORValue)] = [
            (1, .unsigned(0)), (1, .unsigned(13)), (1, .unsigned(257)), (1, .text("granted")), (2, .bytes([1])),
            (3, .array([.map([])])), (3, .array([.unsigned(1)])), (4, .unsigned(3)), (5, .text("Deutschland")),
            (6, .null), (7, .unsigned(8)), (8, .unsigned(7)), (9, .unsigned(1 << 32)), (9, .unsigned(1)),
            (10, .negative(0)), (11, .unsigned(1 << 48)), (12, .null), (13, .array([.bytes([1, 2])])),
            (13, .array([.bytes(Array(repeating: 2, count: 16)), .bytes(Array(repeating: 1, count: 16))])),
            (14, .array([.text("")])), (15, .bytes([])), (16, .unsigned(1)), (0, .unsigned(1)),
        ]
        for (key, value) in wrong {
            #expect(throws: WireFormatError.self, "field \(key)") { try decode(key, value) }
        }
        let unknownPurpose = CBORValue.message((1, .unsigned(9)), (2, .unsigned(1)), (3, .unsigned(1)))
        #expect(
            throws: WireFormatError.unexpected(field: "purpose-decision.code", expected: "a registered code")
        ) { try PurposeDecision(cborValue: unknownPurpose) }
    }

    @Test func aHandleIsOneIdentityAndNeverPrints() throws {
        let key = try HandleKey(SecretBytes(copying: [UInt8](repeating: 1, count: 32)))
        let handle = try key.handle(tenant: "a", namespace: "b", canonicalID: "c")
        let others = [
            try key.handle(tenant: "a", namespace: "b", canonicalID: "d"),
            try key.handle(tenant: "ab", namespace: "b", canonicalID: "c"),
            try key.handle(tenant: "a", namespace: "bc", canonicalID: "c"),
            try HandleKey(SecretBytes(copying: [UInt8](repeating: 2, count: 32)))
                .handle(tenant: "a", namespace: "b", canonicalID: "c"),
        ]
        #expect(Set(others + [handle]).count == 5)
        for parts in [("", "b", "c"), ("a", "", "c"), ("a", "b", ""), ("a", "b\0", "c"), ("a\0b", "b", "c")] {
            #expect(throws: ConsentError.self) {
                try key.handle(tenant: parts.0, namespace: parts.1, canonicalID: parts.2)
            }
        }
        var dumped = ""
        dump(handle, to: &dumped)
        let printed = "\(handle) \(String(reflecting: handle)) \([handle]) \(key) \(dumped)"
        #expect(!printed.contains("high") && printed.contains("<subject>") && printed.contains("<redacted>"))
        #expect(try SubjectHandle(handle.bytes) == handle)
        #expect(throws: ConsentError.self) { try SubjectHandle([1, 2, 3]) }
        #expect(throws: ConsentError.self) { try HandleKey(SecretBytes(copying: [1])) }
    }

    @Test func orderIsBytewise() throws {
        var generator = TestGenerator(seed: 11)
        for _ in 0..<500 {
            var left = generator.bytes(16)
            let right = generator.bytes(16)
            if generator.chance(50) { left.replaceSubrange(0..<9, with: right[0..<9]) }
            let isLess = left.lexicographicallyPrecedes(right)
            #expect(try (SubjectHandle(left) < SubjectHandle(right)) == isLess)
            #expect(try (EventIdentifier(left) < EventIdentifier(right)) == isLess)
        }
    }

    @Test func purposesHaveOneNumberAndOneText() throws {
        #expect(Purpose.allCases.map(\.rawValue) == Array(1...8))
        for purpose in Purpose.allCases { #expect(try Purpose(text: purpose.text) == purpose) }
        for text in ["", "train", "Train.federated", "train.federated ", "personalize"] {
            #expect(throws: ConsentError.self) { try Purpose(text: text) }
        }
        #expect(ConsentStatus.allCases.filter(\.permitsProcessing) == [.given])
        #expect(Set(ConsentStatus.allCases.map(\.description)).count == ConsentStatus.allCases.count)
    }

    @Test(
        .enabled(
            if: ReferenceData.isPresent("vectors/dpv/purposes.csv"),
            "\(ReferenceData.absence(of: "vectors/dpv/purposes.csv"))"))
    func exportedTermsAreTermsOfTheVocabulary() throws {
        func terms(_ file: String) throws -> Set<String> {
            let lines = try ReferenceData.text("vectors/dpv/\(file).csv").split(separator: "\n")
            return Set(lines.compactMap { $0.split(separator: "\"").first.map(String.init) })
        }
        #expect(try Set(ConsentStatus.allCases.map(\.vocabularyTerm)).isSubset(of: terms("consent_status")))
        #expect(
            try Set(LegalBasis.allCases.map(\.vocabularyTerm))
                .isSubset(of: terms("legal_basis").union(terms("consent_types"))))
        let purposes = try terms("purposes")
        #expect(Set(Purpose.allCases.compactMap(\.broaderTerm)).isSubset(of: purposes))
        // Why training has a purpose of its own: no imported vocabulary has one that could grant it.
        #expect(!purposes.contains { $0.lowercased().contains("train") || $0.lowercased().contains("machine") })
    }
}
