// The worked example of Protocols/consent-ledger.md, section 11. Its values were computed by a separate program in another
// language with other libraries.

import Cryptography
import TestSupport
import Testing
import WireFormat

@testable import Consent

@Suite struct KnownAnswerTests {
    private let start: Int64 = 1_760_000_000_000

    /// The one source of randomness that deals what the example says.
    private struct Fixed: RandomSource {
        let byte: UInt8
        func secretBytes(count: Int) -> SecretBytes { SecretBytes(copying: [UInt8](repeating: byte, count: count)) }
    }

    private func filled(_ byte: UInt8, _ count: Int = 32) -> [UInt8] { [UInt8](repeating: byte, count: count) }

    private func exampleEvent() throws -> ConsentEvent {
        let handle = try HandleKey(SecretBytes(copying: Array(0..<32 as Range<UInt8>)))
            .handle(tenant: "acme", namespace: "loyalty", canonicalID: "4006381333931")
        return try ConsentEvent(
            .granted, of: handle, identifier: .make(source: 17, boot: filled(0xb0, 16), sequence: 42),
            purposes: [personalise(2), train], legalBasis: .consent, jurisdiction: "DE",
            notice: NoticeReference(identifier: "loyalty", version: 7, digest: digest(9)), channel: .kiosk,
            actor: .subject, capturedAtMilliseconds: start, expiresAtMilliseconds: start + 365 * day)
    }

    private func exampleEntry() throws -> LedgerEntry {
        try .make(
            .consent, payload: exampleEvent().encoded(), source: 17, sourceSequence: 42,
            recordedMilliseconds: start + 500, random: Fixed(byte: 0x11))
    }

    @Test func anEvent() throws {
        let event = try exampleEvent()
        #expect(Hex.encode(event.handle.bytes) == "84ed3b36ba2fc70d7c93ac92bccafd5e")
        #expect(Hex.encode(event.identifier.bytes) == "42451305adbe2077ebad5644c49a78dd")
        #expect(
            Hex.encode(event.encoded())
                == "ae0101025084ed3b36ba2fc70d7c93ac92bccafd5e0382a3010102010301a301030202030104010562444506a30167"
                + "6c6f79616c747902070358200909090909090909090909090909090909090909090909090909090909090909070308010a1b"
                + "00000199c82cc0000b1b00000199c82cc0000c1b000001a11fddec000d800e800f5042451305adbe2077ebad5644c49a78dd"
        )
    }

    @Test func aLeafAndItsVaultRow() throws {
        let entry = try exampleEntry()
        #expect(
            Hex.encode(entry.leaf.encoded())
                == "010100000000001100000000002a0199c82cc1f46822d5513f6b8b0a40eec0dc292cc8851d3f8987c9325cb64811dc87ea18d286"
        )
        #expect(entry.leaf.hash.hex == "25492d7e38bd03b399cd52d4917915cd651b713218c8256851b3074ffa872c50")
        let row = try Vault.seal(entry, key: SubjectKey(random: Fixed(byte: 0x77)), random: Fixed(byte: 0x66))
        #expect(row.nonce == filled(0x66, 12))
        #expect(
            SHA256.hash(row.sealed).hex == "a340b3b010a2459d779740e0aea2b3a1dedb884901441622a8f94f06fd8a101c")
    }

    @Test func aViewAndACohort() throws {
        var state = LedgerState()
        let subject = try exampleEvent()
        let withdrawn = try SubjectHandle(filled(0x20, 16))
        let endless = try SubjectHandle(filled(0xe0, 16))
        let events = [
            subject, try event(.homeAssigned, 1, of: subject.handle, home: 1),
            try event(.homeAssigned, 2, of: withdrawn, home: 1), try event(.withdrawn, 3, of: withdrawn, [noTrain]),
            try event(.homeAssigned, 4, of: endless, home: 1),
            try event(.granted, 5, of: endless, [train, personalise(4)]),
        ]
        for (index, event) in events.enumerated() {
            try state.ingest(event, index: index, recordedMilliseconds: start + 500)
        }
        for index in events.count..<10 { try state.skip(index: index) }
        let pinned = try PinnedCheckpoint(size: 10, root: Digest(filled(0x0a)))
        let view = try state.view(
            node: 1, origin: origin, pinned: pinned, previousPinned: 4, asOfMilliseconds: start + 1000)
        #expect(
            try Hex.encode(view.row(at: 1).encoded()) == "84ed3b36ba2fc70d7c93ac92bccafd5e6ac8ab80010250ff")
        #expect(view.viewRoot.hex == "b87b2c2cc6d0a29b2d8679519d19757e19eb37a543a9c819dd4184b0c6a4b843")
        let signature = try view.statement.signature(by: ledgerKey)
        #expect(
            Hex.encode(signature)
                == "054eccc5390e9f2f7de08763f78e775dbf1ee9ac1062447909e6cb8d3a12f345"
                + "3058e918ac19d34a81fbfca22db3b25379fdd9f4f056af12761482e6bb5d9400")
        let verified = try VerifiedView(
            verifying: view, signature: signature, by: ledgerKey.publicKey, origin: origin, node: 1, pinned: pinned,
            previousPinned: 4)

        let attempt = AttemptReference(
            round: RoundReference(job: try JobID(filled(3, 16)), round: 812), session: try digest(4))
        let commitment = Cohort(verified, salt: try CohortSalt(filled(0x55))).commitment(for: attempt)
        #expect(commitment.cohortRoot.hex == "11c6e85cc7c9ff99fc6ee3554021b418708c8755a3b91760cfb1f9f03fd35c7e")
        #expect(commitment.saltCommitment.hex == "160ad5ef24198d8e89ccc8435a2a5c04dd9bc570b7072075b98eac276fbdf860")
        #expect(
            SHA256.hash(commitment.encoded()).hex
                == "f39e51391743d97ad84dac88ad4db58539218ed4ac51bebfa6bd9426baf06099")
        let nodeKey = try Ed25519PrivateKey(SecretBytes(copying: filled(8)))
        #expect(
            try Hex.encode(commitment.signature(by: nodeKey))
                == "0f66cecd6acbff4803c761d019e937a4507d5105ea3d267c30ed4422324f2664"
                + "c30ad5df0aa7808f946e64597ea74d35122cf5cac0fd06e3a367a64ccc12e403")
    }
}
