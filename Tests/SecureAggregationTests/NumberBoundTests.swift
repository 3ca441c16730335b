// Numbers that every party stores as signed 64-bit integers are refused where they come in.

import Cryptography
import Testing
import WireFormat

@testable import SecureAggregation

@Suite struct NumberBoundTests {
    private static func entries(_ sequence: UInt64) -> [RosterEntry] {
        [
            RosterEntry(node: 0, sequence: 1, prekeyDigest: SHA256.hash([0])),
            RosterEntry(node: 1, sequence: sequence, prekeyDigest: SHA256.hash([1])),
        ]
    }

    /// The bytes of a roster that the initialiser would refuse.
    private static func bytes(_ sequence: UInt64) -> [UInt8] {
        entries(sequence).flatMap { bigEndian($0.node) + bigEndian($0.sequence) + $0.prekeyDigest.bytes }
    }

    @Test(arguments: [1 << 63, UInt64.max]) func sequencesOfARoster(sequence: UInt64) throws {
        let error = SecureAggregationError.malformed("prekey sequence in the roster")
        #expect(throws: error) { try Roster(Self.entries(sequence)) }
        #expect(throws: error) { try Roster(bytes: Self.bytes(sequence)) }
        let uploaded = try AggregationScenario.uploaded()
        let session = uploaded.session
        let proposal = LabelProposal(
            parameters: session.parameters, roster: session.roster,
            survivors: SurvivorSet(sessionID: session.sessionID, alive: session.roster.entries.map { _ in true }))
        #expect(throws: WireFormatError.unexpected(field: "label-proposal", expected: error.description)) {
            try proposal.replacing(2, with: .bytes(Self.bytes(sequence)))
        }
        let offer = RoundOffer(parameters: session.parameters, roster: session.roster, neighbourPrekeys: [])
        #expect(throws: WireFormatError.unexpected(field: "round-offer.roster", expected: error.description)) {
            try offer.replacing(2, with: .bytes(Self.bytes(sequence)))
        }
    }

    @Test func theLargestSequence() throws {
        let roster = try Roster(Self.entries(Prekey.maximumSequence))
        #expect(roster.bytes == Self.bytes(Prekey.maximumSequence))
        #expect(try Roster(bytes: roster.bytes) == roster)
        #expect(Prekey.maximumSequence == UInt64.max >> 1)
    }

    @Test func sequencesOfPrekeysAndUploads() throws {
        let uploaded = try AggregationScenario.uploaded()
        let prekey = try uploaded.scenario.prekey(of: 3).bundle.prekey.body
        let envelope = uploaded.session.uploads[4]
        let upload = try #require(envelope).upload.body
        let expected = "an integer in 0...\(Int64.max)"
        for sequence in [1 << 63, UInt64.max] {
            #expect(throws: WireFormatError.unexpected(field: "prekey.sequence", expected: expected)) {
                try prekey.replacing(3, with: .unsigned(sequence))
            }
            for (field, name) in [(3, "sequence"), (4, "chargeSequence")] as [(UInt64, String)] {
                #expect(throws: WireFormatError.unexpected(field: "upload.\(name)", expected: expected)) {
                    try upload.replacing(field, with: .unsigned(sequence))
                }
            }
        }
        #expect(try prekey.replacing(3, with: .unsigned(Prekey.maximumSequence)).sequence == Prekey.maximumSequence)
    }

    @Test func numbersOfEpochs() throws {
        let announcement = try AggregationScenario.standard().announcement
        let hello = announcement.hellos[2].body
        let expected = "an integer in 0...2147483647"
        for number in [1 << 31, 1 << 32, 1 << 63, UInt64.max] {
            #expect(throws: WireFormatError.unexpected(field: "epoch-hello.epoch", expected: expected)) {
                try hello.replacing(2, with: .unsigned(number))
            }
            #expect(throws: WireFormatError.unexpected(field: "epoch-announcement.epoch", expected: expected)) {
                try announcement.replacing(2, with: .unsigned(number))
            }
        }
        #expect(try hello.replacing(2, with: .unsigned(UInt64(Int32.max))).epoch == Epoch.maximumNumber)
        #expect(try announcement.replacing(2, with: .unsigned(UInt64(Int32.max))).epoch == Epoch.maximumNumber)
    }
}
