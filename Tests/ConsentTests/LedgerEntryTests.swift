// Leaves, commitments and the vault: nothing altered gets through, nothing erased comes back.

import Cryptography
import TestSupport
import Testing
import WireFormat

@testable import Consent

@Suite struct LedgerEntryTests {
    private func entry(
        _ category: LedgerLeaf.Category = .consent, payload: [UInt8] = [1, 2, 3, 4], seed: UInt64 = 1
    ) throws -> LedgerEntry {
        try .make(
            category, payload: payload, source: 17, sourceSequence: 42, recordedMilliseconds: 1_760_000_000_000,
            random: SeededRandomSource(seed: seed))
    }

    @Test(arguments: LedgerLeaf.Category.allCases) func aLeafHasOneEncoding(category: LedgerLeaf.Category) throws {
        let leaf = try entry(category).leaf
        let bytes = leaf.encoded()
        #expect(bytes.count == 52)
        #expect(try LedgerLeaf(decoding: bytes) == leaf)
        for (offset, value) in [(0, 0), (0, 2), (1, 0), (1, 6), (2, 1), (3, 1)] as [(Int, UInt8)] {
            var changed = bytes
            changed[offset] = value
            #expect(throws: ConsentError.self) { try LedgerLeaf(decoding: changed) }
        }
        #expect(throws: ConsentError.self) { try LedgerLeaf(decoding: bytes + [0]) }
        #expect(throws: ConsentError.self) { try LedgerLeaf(decoding: []) }
    }

    @Test func numbersMustFit() throws {
        func leaf(_ sequence: UInt64, _ time: Int64) throws -> LedgerLeaf {
            try LedgerLeaf(
                category: .system, source: 0, sourceSequence: sequence, recordedMilliseconds: time,
                commitment: digest(0))
        }
        let largest = try leaf((1 << 48) - 1, LedgerLeaf.maximumMilliseconds)
        #expect(try LedgerLeaf(decoding: largest.encoded()) == largest)
        #expect(throws: ConsentError.self) { try leaf(1 << 48, 0) }
        #expect(throws: ConsentError.self) { try leaf(0, 1 << 48) }
        #expect(throws: ConsentError.self) { try leaf(0, -1) }
        #expect(throws: ConsentError.self) { try entry(payload: [UInt8](repeating: 0, count: 65_536)) }
        #expect(try entry(payload: [UInt8](repeating: 0, count: 65_535)).payload.count == 65_535)
    }

    @Test func aCommitmentHidesAndBinds() throws {
        #expect(try entry(seed: 1).leaf.commitment != entry(seed: 2).leaf.commitment)
        let sealed = try entry()
        #expect(throws: ConsentError.commitmentMismatch) {
            try LedgerEntry(leaf: sealed.leaf, nonce: sealed.nonce, payload: [1, 2, 3, 5])
        }
        #expect(throws: ConsentError.commitmentMismatch) {
            try LedgerEntry(leaf: sealed.leaf, nonce: LedgerLeaf.publicNonce, payload: sealed.payload)
        }
        #expect(throws: ConsentError.self) { try LedgerEntry(leaf: sealed.leaf, nonce: [], payload: sealed.payload) }
        let published = try entry(.round)
        #expect(published.nonce == LedgerLeaf.publicNonce)
        #expect(try entry(.round, seed: 2) == published, "everybody can recompute a public leaf")
    }

    @Test func everyFlippedByteIsSeen() throws {
        let random = SeededRandomSource(seed: 3)
        let entry = try entry(payload: event(.granted, 1, [train]).encoded())
        let key = try SubjectKey(random: random)
        let row = try Vault.seal(entry, key: key, random: random)
        let opened = try Vault.open(row, key: key, leaf: entry.leaf)
        #expect(opened == entry)
        #expect(try opened.message(as: ConsentEvent.self) == event(.granted, 1, [train]))
        for position in row.sealed.indices {
            var sealed = row.sealed
            sealed[position] ^= 0x80
            #expect(throws: ConsentError.cryptography(.authenticationFailed)) {
                try Vault.open(VaultRow(nonce: row.nonce, sealed: sealed), key: key, leaf: entry.leaf)
            }
        }
        for position in row.nonce.indices {
            var nonce = row.nonce
            nonce[position] ^= 1
            #expect(throws: ConsentError.self) {
                try Vault.open(VaultRow(nonce: nonce, sealed: row.sealed), key: key, leaf: entry.leaf)
            }
        }
        let bytes = entry.leaf.encoded()
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1
            guard let leaf = try? LedgerLeaf(decoding: changed) else { continue }
            #expect(throws: ConsentError.self) { try Vault.open(row, key: key, leaf: leaf) }
        }
        for position in entry.payload.indices {
            var payload = entry.payload
            payload[position] ^= 1
            #expect(throws: ConsentError.commitmentMismatch) {
                try LedgerEntry(leaf: entry.leaf, nonce: entry.nonce, payload: payload)
            }
        }
        #expect(throws: ConsentError.self) { try Vault.open(row, key: SubjectKey(random: random), leaf: entry.leaf) }
        #expect(throws: ConsentError.self) {
            try Vault.open(VaultRow(nonce: [], sealed: []), key: key, leaf: entry.leaf)
        }
    }

    @Test func onlyWhatIsSecretIsSealed() throws {
        let random = SeededRandomSource(seed: 4)
        #expect(throws: ConsentError.self) {
            try Vault.seal(entry(.governance), key: SubjectKey(random: random), random: random)
        }
    }

    @Test func aWrappedKeyOpensForItsSubjectOnly() throws {
        let random = SeededRandomSource(seed: 5)
        let encryptionKey = SecretBytes(copying: [UInt8](repeating: 1, count: 32))
        let key = try SubjectKey(random: random)
        let wrapped = try key.wrapped(for: someone, under: encryptionKey, random: random)
        #expect(wrapped.sealed.count == 48 && wrapped.nonce.count == 12)
        let entry = try entry()
        let row = try Vault.seal(entry, key: key, random: random)
        let unwrapped = try SubjectKey.unwrap(wrapped, of: someone, under: encryptionKey)
        #expect(try Vault.open(row, key: unwrapped, leaf: entry.leaf) == entry)
        let other = SubjectHandle(high: 9, low: 9)
        #expect(throws: ConsentError.self) { try SubjectKey.unwrap(wrapped, of: other, under: encryptionKey) }
        let otherKey = SecretBytes(copying: [UInt8](repeating: 2, count: 32))
        #expect(throws: ConsentError.self) { try SubjectKey.unwrap(wrapped, of: someone, under: otherKey) }
        for position in wrapped.sealed.indices {
            var sealed = wrapped.sealed
            sealed[position] ^= 1
            let broken = WrappedSubjectKey(nonce: wrapped.nonce, sealed: sealed)
            #expect(throws: ConsentError.self) { try SubjectKey.unwrap(broken, of: someone, under: encryptionKey) }
        }
        #expect("\(key)" == "<redacted>")
    }

    @Test func aMalformedPayloadIsReported() throws {
        #expect(throws: ConsentError.malformed(.unexpected(field: "consent-event", expected: "a map"))) {
            try entry(payload: [0x01]).message(as: ConsentEvent.self)
        }
    }
}
