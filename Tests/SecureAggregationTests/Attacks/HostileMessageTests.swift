// Row 18 of the attack table: messages that decode and are wrong, heads that promise what is not there, and sizes that no
// honest message has. Every party refuses with a typed error that names a field; none stops or takes something in. That
// single messages decode to one value or not at all is tested in MessageCodecTests.

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

struct HostileMessageTests {
    @Test("Row 18: no head of any message may claim more than is there")
    func lengthBombs() throws {
        for sample in try MessageCodecTests.samples() {
            let bytes = sample.value.encoded()
            // Heads of strings, arrays and maps with counts up to 2^64 − 1, in place of each of the first bytes.
            for position in 0..<min(bytes.count, 12) {
                for major in [UInt8(2), 3, 4, 5] {
                    for count in [UInt64(1) << 20, 1 << 32, 1 << 62, .max] {
                        var bomb = [UInt8](bytes.prefix(position)) + [major << 5 | 27] + bigEndian(count)
                        bomb += bytes.dropFirst(position + 1).prefix(64)
                        #expect(throws: WireFormatError.self, "\(sample.name) at \(position)") {
                            try sample.decode(bomb)
                        }
                    }
                }
            }
            // Nested arrays, each with one item: deeper than any message.
            let deep = [UInt8](repeating: 0x81, count: 100_000) + [0]
            #expect(throws: WireFormatError.self) { try sample.decode(deep) }
        }
    }

    @Test("Row 18: signed bodies and rosters that decode are held to what their session says")
    func oversizedMessagesAreRefused() throws {
        var uploaded = try AggregationScenario.uploaded()
        var fresh = try uploaded.scenario.session(
            signing: uploaded.session.parameters.body, roster: uploaded.session.roster)
        let honest = try #require(uploaded.session.uploads[4])
        let key = try uploaded.scenario.keys(of: 4).protocolKey
        func envelope(shares: SharePackage? = nil, chunks: [Digest]? = nil) throws -> UploadEnvelope {
            let body = honest.upload.body
            let upload = Upload(
                sessionID: body.sessionID, node: 4, sequence: body.sequence, chargeSequence: body.chargeSequence,
                selfMaskCommitment: body.selfMaskCommitment, vectorDigest: body.vectorDigest,
                shareRoot: (shares ?? honest.shares).root)
            return UploadEnvelope(
                upload: try SignedMessage(signing: upload, key: key), shares: shares ?? honest.shares,
                chunkDigests: chunks ?? honest.chunkDigests)
        }
        // A committee of ten thousand, a committee of none, and one seat too many, all under the node's own signature.
        for count in [0, 7, 9, 10_000] {
            let package = try SharePackage(
                cborValue: .message(
                    (1, .array([CBORValue](repeating: .bytes([]), count: count))),
                    (2, .array([CBORValue](repeating: .bytes([UInt8](repeating: 1, count: 32)), count: count)))))
            #expect(throws: SecureAggregationError.mismatch(field: "shareRoot"), "\(count)") {
                try fresh.receive(envelope(shares: package))
            }
        }
        for count in [0, 2, 100_000] {
            #expect(throws: SecureAggregationError.mismatch(field: "vectorDigest"), "\(count)") {
                try fresh.receive(envelope(chunks: [Digest](repeating: SHA256.hash([1]), count: count)))
            }
        }
        #expect(fresh.uploads.isEmpty)
        try uploaded.scenario.certify(&uploaded.session)
        let opened = try uploaded.scenario.reveal(
            #require(uploaded.session.revealRequest(for: 3)), session: uploaded.session, member: 3)
        for count in [0, 17, 19, 100_000] {
            let reveal = try SignedMessage(
                signing: opened.body.replacing(shares: [[UInt8]](repeating: [], count: count)),
                key: uploaded.scenario.keys(of: 3).protocolKey)
            #expect(throws: SecureAggregationError.mismatch(field: "shares"), "\(count)") {
                try uploaded.session.receive(reveal)
            }
        }
    }

    /// The next byte string of `value`, found from a random start, with one bit changed; and every number by one.
    private static func mutate(_ value: CBORValue, _ random: inout KeyedRandomGenerator) -> CBORValue {
        switch value {
        case .unsigned(let number):
            return .unsigned(random.uniform(below: 2) == 0 ? number &+ 1 : number &- 1)
        case .bytes(var bytes):
            guard !bytes.isEmpty else { return .bytes([0]) }
            bytes[Int(random.uniform(below: UInt64(bytes.count)))] ^= 1 << UInt8(random.uniform(below: 8))
            return .bytes(bytes)
        case .array(var items):
            guard !items.isEmpty else { return value }
            let index = Int(random.uniform(below: UInt64(items.count)))
            switch random.uniform(below: 4) {
            case 0: items.remove(at: index)
            case 1: items.append(items[index])
            default: items[index] = mutate(items[index], &random)
            }
            return .array(items)
        case .map(var entries):
            guard !entries.isEmpty else { return value }
            let index = Int(random.uniform(below: UInt64(entries.count)))
            entries[index] = .init(entries[index].key, mutate(entries[index].value, &random))
            return .map(entries)
        default: return value
        }
    }

    /// What a party made of a message.
    private enum Outcome: Hashable { case undecodable, refused, taken }

    private func outcome<Message: WireMessage>(
        _ honest: Message, _ random: inout KeyedRandomGenerator, take: (Message) throws -> Void
    ) throws -> Outcome {
        let changed = Self.mutate(honest.cborValue, &random)
        guard let message = try? Message(decoding: changed.encoded()), message.encoded() != honest.encoded() else {
            return .undecodable
        }
        do {
            try take(message)
            return .taken
        } catch is SecureAggregationError {
            return .refused
        }
    }

    @Test("Row 18: one changed bit or number in any message is refused by whoever gets it")
    func changedMessagesAreRefused() throws {
        var random = try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: 31, count: 32)))
        let uploaded = try AggregationScenario.uploaded()
        var scenario = uploaded.scenario
        let fresh = try scenario.session(signing: uploaded.session.parameters.body, roster: uploaded.session.roster)
        var labelling = uploaded.session
        _ = try labelling.closeUploads()
        let proposal = try #require(labelling.labelProposal)
        let vote = try scenario.vote(proposal, member: 0)
        var revealing = labelling
        for member in NodeIndex(0)..<7 { _ = try revealing.receive(scenario.vote(proposal, member: member)) }
        let request = try #require(revealing.revealRequest(for: 2))
        let reveal = try scenario.reveal(request, session: revealing, member: 2)
        let offer = try #require(fresh.offer(for: 4))
        let envelope = try #require(uploaded.session.uploads[4])
        let bundle = try scenario.prekey(of: 3).bundle
        var counts: [String: [Outcome: Int]] = [:]
        func count<Message: WireMessage>(
            _ honest: Message, times: Int, take: (Message) throws -> Void
        ) throws {
            for _ in 0..<times {
                counts[Message.messageName, default: [:]][try outcome(honest, &random, take: take), default: 0] += 1
            }
        }
        try count(envelope, times: 150) { message in
            var session = fresh
            _ = try session.receive(message)
        }
        try count(bundle, times: 150) { try $0.verify(register: scenario.register, epoch: scenario.epoch) }
        try count(scenario.announcement, times: 60) {
            // Nobody signs the list as a whole: another end or one node fewer makes another epoch, under another root.
            let epoch = try Epoch(verifying: $0, register: scenario.register)
            #expect(epoch.root != scenario.epoch.root)
        }
        try count(offer, times: 100) { _ = try scenario.accept($0, node: 4) }
        try count(vote, times: 100) { message in
            var session = labelling
            _ = try session.receive(message)
        }
        try count(reveal, times: 100) { message in
            var session = revealing
            _ = try session.receive(message)
        }
        try count(proposal, times: 60) {
            _ = try scenario.seat(of: 2).decideVote($0, locks: CommitteeLocks(), context: scenario.context)
        }
        for (name, outcomes) in counts {
            #expect(outcomes[.refused, default: 0] > 5, "\(name): \(outcomes)")
        }
        // Ciphertexts are outside the dealer's signature (a member finds them not to open), so an envelope or a bundle may
        // be taken with a bit of one changed; and the survivors of a proposal are the coordinator's to choose.
        for name in ["round-offer", "label-vote", "reveal"] {
            #expect(counts[name]?[.taken] == nil, "\(name)")
        }
        // A request with a ciphertext changed opens one share less, and never another.
        for _ in 0..<60 {
            let changed = Self.mutate(request.cborValue, &random)
            guard let message = try? RevealRequest(decoding: changed.encoded()) else { continue }
            do {
                let decision = try scenario.seat(of: 2).decideReveal(
                    message, parameters: revealing.parameters, roster: revealing.roster, locks: CommitteeLocks(),
                    agreementKey: scenario.keys(of: 2).agreementKey, context: scenario.context)
                for (share, honest) in zip(decision.answer.shares, reveal.body.shares) {
                    #expect(share == honest || share.isEmpty)
                }
            } catch is SecureAggregationError {
                continue
            }
        }
    }
}
