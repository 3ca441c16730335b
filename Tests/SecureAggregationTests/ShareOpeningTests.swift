// One leaf of a package under the root its dealer signed: what opens, and everything that must not.

import Cryptography
import Testing
import WireFormat

@testable import SecureAggregation

struct ShareOpeningTests {
    private func package() throws -> (SharePackage, AggregationScenario) {
        let scenario = try AggregationScenario.standard()
        return (try scenario.prekey(of: 3).bundle.shares, scenario)
    }

    @Test func everyLeafOpensAtItsOwnPlaceOnly() throws {
        let (package, _) = try package()
        let count = package.commitments.count
        for holder in 0..<count {
            let opening = try #require(package.opening(of: holder))
            #expect(opening.ciphertext == package.ciphertexts[holder])
            for position in -1...count {
                var refusal: SecureAggregationError?
                do { try opening.verify(root: package.root, position: position, count: count) } catch {
                    refusal = error
                }
                #expect(refusal == (position == holder ? nil : .notUnderSignedRoot("share")))
            }
            #expect(throws: SecureAggregationError.notUnderSignedRoot("share")) {
                try opening.verify(root: package.root, position: holder, count: count + 1)
            }
        }
        #expect(package.opening(of: count) == nil && package.opening(of: -1) == nil)
    }

    /// Whoever carries a package cannot change a ciphertext, a commitment or the path.
    @Test func nothingOfALeafCanBeSwapped() throws {
        let (package, scenario) = try package()
        let other = try scenario.prekey(of: 4).bundle.shares
        let honest = try #require(package.opening(of: 1))
        var bitFlipped = honest.ciphertext
        bitFlipped[20] ^= 1
        let path = honest.path
        let swapped: [SharePackage.Opening] = [
            .init(commitment: honest.commitment, ciphertext: bitFlipped, path: path),
            .init(commitment: honest.commitment, ciphertext: [], path: path),
            .init(commitment: honest.commitment, ciphertext: other.ciphertexts[1], path: path),
            .init(commitment: honest.commitment, ciphertext: package.ciphertexts[2], path: path),
            .init(commitment: other.commitments[1], ciphertext: honest.ciphertext, path: path),
            .init(commitment: honest.commitment, ciphertext: honest.ciphertext, path: []),
            .init(commitment: honest.commitment, ciphertext: honest.ciphertext, path: path.dropLast()),
            .init(commitment: honest.commitment, ciphertext: honest.ciphertext, path: path.reversed()),
            .init(commitment: honest.commitment, ciphertext: honest.ciphertext, path: path + [honest.commitment]),
        ]
        for opening in swapped {
            #expect(throws: SecureAggregationError.notUnderSignedRoot("share")) {
                try opening.verify(root: package.root, position: 1, count: package.commitments.count)
            }
        }
    }

    /// The root that a dealer signs covers its ciphertexts: a coordinator that swaps one holds a bundle and an upload that
    /// nobody takes.
    @Test func aSwappedCiphertextIsRefusedWithThePackage() throws {
        let (package, scenario) = try package()
        for holder in package.ciphertexts.indices {
            var ciphertexts = package.ciphertexts
            ciphertexts[holder][30] ^= 1
            let swapped = try package.replacing(1, with: .array(ciphertexts.map { .bytes($0) }))
            #expect(swapped.root != package.root)
            let bundle = PrekeyBundle(prekey: try scenario.prekey(of: 3).bundle.prekey, shares: swapped)
            #expect(throws: SecureAggregationError.mismatch(field: "shareRoot")) {
                try bundle.verify(register: scenario.register, epoch: scenario.epoch)
            }
        }
        let uploaded = try AggregationScenario.uploaded()
        let honest = try #require(uploaded.session.uploads[4])
        var ciphertexts = honest.shares.ciphertexts
        ciphertexts.swapAt(0, 1)
        let framed = UploadEnvelope(
            upload: honest.upload, shares: try honest.shares.replacing(1, with: .array(ciphertexts.map { .bytes($0) })),
            chunkDigests: honest.chunkDigests)
        var fresh = try uploaded.scenario.session(
            signing: uploaded.session.parameters.body, roster: uploaded.session.roster)
        #expect(throws: SecureAggregationError.mismatch(field: "shareRoot")) { try fresh.receive(framed) }
    }
}
