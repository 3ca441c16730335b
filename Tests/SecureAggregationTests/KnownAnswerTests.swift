// Every derivation and encoding against numbers that an independent program computed from the specification's text
// (Python with `cryptography`). The same numbers are in Protocols/secure-aggregation.md, "Test vectors".

import Cryptography
import TestSupport
import Testing
import Vectors
import WireFormat

@testable import SecureAggregation

/// The chain of the test vectors: eighteen nodes with keys that repeat one byte.
struct VectorChain {
    let register: Register
    let epoch: Epoch
    let parameters: SessionParameters
    let roster: Roster

    static func fixed(_ byte: Int) -> SecretBytes { SecretBytes(copying: [UInt8](repeating: UInt8(byte), count: 32)) }
    static func digest(_ byte: Int) throws -> Digest { try Digest([UInt8](repeating: UInt8(byte), count: 32)) }
    static func protocolKey(_ node: Int) throws -> Ed25519PrivateKey { try Ed25519PrivateKey(fixed(0x40 + node)) }
    static func agreementKey(_ node: Int) throws -> X25519PrivateKey { try X25519PrivateKey(fixed(0x20 + node)) }
    static func prekeySecret(_ node: Int) throws -> X25519PrivateKey { try X25519PrivateKey(fixed(0x60 + node)) }
    static let seed = SecretBytes(copying: [UInt8](0..<32))

    init() throws {
        let register = try Register(
            chain: "example.test", version: 1,
            nodes: (0..<18).map {
                RegisteredNode(
                    index: NodeIndex($0), name: "store-\($0)", operatorName: "chain",
                    protocolKey: try Self.protocolKey($0).publicKey)
            },
            corruptMax: 1, committee: [0, 1, 2, 3, 4, 5], dropoutPermille: 100)
        self.register = register
        epoch = try Epoch(
            verifying: EpochAnnouncement(
                registerDigest: register.digest, epoch: 1, endsAtMilliseconds: 1_800_000_000_000 + 7 * 86_400_000,
                hellos: (0..<18).map {
                    try SignedMessage(
                        signing: EpochHello(
                            registerDigest: register.digest, epoch: 1, node: NodeIndex($0),
                            agreementKey: Self.agreementKey($0).publicKey),
                        key: Self.protocolKey($0))
                }), register: register)
        let root = epoch.root
        roster = try Roster(
            (0..<18).map {
                RosterEntry(
                    node: NodeIndex($0), sequence: 1, prekeyDigest: try Self.prekey($0, epochRoot: root).digest)
            })
        parameters = SessionParameters(
            registerDigest: register.digest, epochRoot: root, round: 5, attempt: 1, modelDigest: try Self.digest(0x44),
            planDigest: try Self.digest(0x33), consentSize: 1000, consentRoot: try Self.digest(0x55),
            previousConsentSize: 990, dimension: 4, layout: .twoBy32, cohortSize: 18, minAlive: 17,
            deadlineMilliseconds: 1_800_000_060_000,
            derived: try ProtocolParameters.derive(register: register, cohort: 18), rosterDigest: roster.digest)
    }

    static func prekey(_ node: Int, epochRoot: Digest) throws -> Prekey {
        Prekey(
            epochRoot: epochRoot, node: NodeIndex(node), sequence: 1, publicKey: try prekeySecret(node).publicKey,
            shareRoot: try digest(0x77))
    }
}

struct KnownAnswerTests {
    @Test func identifiers() throws {
        let chain = try VectorChain()
        #expect(chain.register.digest.hex == "20c61d1259311dc53db4eba7efed1e920bc845401ef67c9d3cd7906c7a15db31")
        #expect(chain.epoch.root.hex == "57ca45d1fd82672ec22aebed409aa28831095675590f45c2bf7192d72aad27dd")
        let prekey = try VectorChain.prekey(3, epochRoot: chain.epoch.root)
        #expect(prekey.digest.hex == "bf4d353e994052dc46edf2d7ad0934f1e9a8ec93f9986ddfce42775de42cbeef")
        #expect(prekey.id.hex == "8d334df32b882c4a10b188609510de21c451c5095c34bfca3d80167c6ef320d7")
        #expect(chain.roster.digest.hex == "698260a9f82a2de9b24cd442f6ca755b4f66181405bcbd345f449d95df44f3af")
        #expect(chain.parameters.jobID.description == "03f90f80575e1ecb8a30e0f418a8e825")
        #expect(
            Hex.encode(chain.parameters.encoded())
                == "b301582020c61d1259311dc53db4eba7efed1e920bc845401ef67c9d3cd7906c7a15db3102582057ca45d1fd82672ec22a"
                + "ebed409aa28831095675590f45c2bf7192d72aad27dd035003f90f80575e1ecb8a30e0f418a8e82504050501065820"
                + "44444444444444444444444444444444444444444444444444444444444444440758203333333333333333333333333333"
                + "333333333333333333333333333333333333081903e8095820555555555555555555555555555555555555555555555555"
                + "55555555555555550a1903de0b040c020d18200e010f121011111b000001a3185d3a6012a4011102000306040613582069"
                + "8260a9f82a2de9b24cd442f6ca755b4f66181405bcbd345f449d95df44f3af")
        #expect(chain.parameters.sessionID.hex == "ed425b115aea47ace251ef090aa7f1e98c32427bf0dd3dfd726718497d2f44bd")
    }

    @Test("Row 17: known answers of mask keys") func maskKeys() throws {
        let sessionID = try VectorChain().parameters.sessionID
        let three = try VectorChain.prekeySecret(3)
        let seven = try VectorChain.prekeySecret(7)
        let pair = "ec9bb1de5113fd276970da076ccc12177a652d5ebb59c2a3479f5ab4ee608401"
        let forward = try MaskDerivation.pairKey(
            sessionID: sessionID, own: three, ownNode: 3, peer: seven.publicKey, peerNode: 7)
        let backward = try MaskDerivation.pairKey(
            sessionID: sessionID, own: seven, ownNode: 7, peer: three.publicKey, peerNode: 3)
        #expect(Hex.encode(forward.unprotectedCopy()) == pair && forward == backward)
        let own = try MaskDerivation.selfMaskKey(sessionID: sessionID, seed: VectorChain.seed, node: 3)
        #expect(
            Hex.encode(own.unprotectedCopy()) == "d0634298fe2eaae0cfd7af26c63d3a25502efbdcf933efc3512e8b941f733772")
        var stream = try KeystreamGenerator(key: own)
        #expect(try stream.next(count: 2) == [0xe64b_7526_8a22_126f, 0x0256_b345_e451_4236])
        #expect(
            MaskDerivation.selfMaskCommitment(sessionID: sessionID, node: 3, seed: VectorChain.seed).hex
                == "1c2316333532aba77709ea9abcd1a1318d5476394d43719d0ca995be67f9fc9b")
    }

    @Test func maskedVector() throws {
        let chain = try VectorChain()
        let sessionID = chain.parameters.sessionID
        let own = try VectorChain.prekeySecret(3)
        var terms = [
            MaskTerm(
                key: try MaskDerivation.selfMaskKey(sessionID: sessionID, seed: VectorChain.seed, node: 3),
                subtract: false)
        ]
        for peer in 0..<18 where peer != 3 {
            let key = try MaskDerivation.pairKey(
                sessionID: sessionID, own: own, ownNode: 3, peer: VectorChain.prekeySecret(peer).publicKey,
                peerNode: NodeIndex(peer))
            terms.append(MaskTerm(key: key, subtract: 3 > peer))
        }
        var words = LaneLayout.twoBy32.pack([1, -2, 3, -4])
        #expect(words == [0xffff_fffe_0000_0001, 0xffff_fffc_0000_0003])
        try MaskExpander.apply(terms, to: &words)
        #expect(words == [0x38ab_181c_1f20_7a2c, 0x0786_1df9_0220_fe4b])
        #expect(
            VectorChunks.digest(wordCount: 2, chunkDigests: VectorChunks.chunkDigests(of: words)).hex
                == "6f3ab4aa1ee99e4afcc409a806027bacad51ef88fc5d3692596bf1ddaa0f7bc3")
    }

    static let shares = [
        "4bc58fab4230a9110112cb514603db03f64f047a0d970a1860506589fe9c720235f60150396ace17",
        "2c7c582997fbf7057c3566eebc165d049b738416505bcc0a93a39e1891573418267f02eaa7ccd10f",
        "a1255c7c0167f21ce1ea617614fb8601fa788fe5d85e4818dc4a0d1f39c14601ecb51deb69460a08",
        "acc19aa4817298162f32bee94cb0581b156025e7a7a17e003846b19cf6d9a91d879a53537fd77700",
        "4c5014a2171eea12680b7b486636d211ea28461bbd236f03aa958a91c9a15d0df62ca422e87f1a19",
    ]

    @Test func secretSharing() throws {
        var generator = try KeyedRandomGenerator(key: VectorChain.fixed(0x0a))
        let shares = try ShamirSharing.split(VectorChain.seed, threshold: 3, count: 5, generator: &generator)
        #expect(shares.map { Hex.encode($0.rawRepresentation.unprotectedCopy()) } == Self.shares)
        let read = try [4, 0, 2].map { (position: $0, share: try Self.share($0)) }
        #expect(try ShamirSharing.join(read, threshold: 3) == VectorChain.seed)
    }

    private static func share(_ position: Int) throws -> SecretShare {
        try SecretShare(SecretBytes(copying: Hex.decode(shares[position])))
    }

    static let ciphertext =
        "000102030405060708090a0b01f90096f9ac7b2d7d46497e30ffd2fa4ab496ffd4f05e23e7958b2ae63a24013da5d5ab41ecec5b091696b6"
        + "87edf3294679d32190e061e5"

    @Test func shareCiphertextAndCommitment() throws {
        let chain = try VectorChain()
        let context = ShareContext(
            kind: .selfMaskSeed, scope: chain.parameters.sessionID, dealer: 3, chargeSequence: 42)
        let opened = try SharePackage.open(
            Hex.decode(Self.ciphertext), context: context, holder: 1, register: chain.register, epoch: chain.epoch,
            agreementKey: VectorChain.agreementKey(1))
        #expect(try opened == Self.share(1))
        #expect(
            SharePackage.commitment(to: opened, context: context, holder: 1).hex
                == "6fb48f76451936e925095b1d9b68a7b788d7f66632262cc3061c4c2a06ae7a7f")
        let package = try Self.package(chain)
        #expect(package.root.hex == "fbdb14d3ab27a71e5fbe24b6ee47a25f116a46217ec3b81ca2bafa496f73d895")
        let opening = try #require(package.opening(of: 1))
        #expect(
            opening.path.map(\.hex) == [
                "a62f484491b3786ee9c8c89a1357de55455a352e96e2991d54f22dd4d2602647",
                "4432068f4d8b3e9154463c29064caf203d7df8ceda13d59aab5146bac3e967f0",
                "25a4ef39ef1a3dff8f2cb4f6702662bc10b45b3f38bafb0ef9f17e7ecdf624c0",
            ])
        try opening.verify(root: package.root, position: 1, count: 5)
    }

    @Test func labelVoteAndOpening() throws {
        let chain = try VectorChain()
        let sessionID = chain.parameters.sessionID
        let survivors = SurvivorSet(sessionID: sessionID, alive: (0..<18).map { $0 != 5 })
        #expect(Hex.encode(survivors.bitmap) == "fbffc0")
        #expect(survivors.digest.hex == "0442639043078631035fc8d16651fb384b46057f6e76f394c528b2087d314f05")
        let vote = try SignedMessage(
            signing: LabelVote(sessionID: sessionID, node: 1, labelDigest: survivors.digest),
            key: VectorChain.protocolKey(1))
        #expect(
            Hex.encode(vote.signature)
                == "7472b8035c3a198d44467aca869dc6ab25921093cf3f20b6ad212dd60873c15f0920947041e8940cc4e92fcdb11b69eb81"
                + "9360652d700f4f416d6d8966b4710c")
        let deal = Deal(upload: try Self.upload(sessionID))
        #expect(deal.digest.hex == "589a1cfd84d182b9258a4479e35af580c098c2880edf74f120e4fb6d5c16ad73")
        let item = ShownShare(
            deal: deal, opening: try #require(try Self.package(chain).opening(of: 1)))
        #expect(
            SHA256.hash(item.encoded()).hex == "3be8dab11969fbb9d9f4d7d1ab6390998e7886485bc8f0cc5b1ff2c5ce9ee918")
        func opening(_ items: [ShownShare]) -> String {
            RevealRequest(
                sessionID: sessionID, certificate: LabelCertificate(votes: []), bitmap: survivors.bitmap, items: items
            ).openingDigest.hex
        }
        #expect(opening([item]) == "51df50b05beee8168dfa2d1195ed3add77eac0410936c23f8b7d5fd4fbd4cbc8")
        #expect(opening([item, item]) == "4fe96980e7ddc8e3b86a60f18c4d019b2461c02aa5bd48c4e0d397429e92b02a")
        let report = try SignedMessage(
            signing: ShareReport(
                epochRoot: chain.epoch.root, node: 1, results: [.init(deal: deal.digest, isValid: false)]),
            key: VectorChain.protocolKey(1))
        #expect(
            Hex.encode(report.signature)
                == "a4183681f45d2b23baeee5bf2b05508b6d9e7b45ea8cf45a8032b9989748c8d5f1092da2071f3e90b54b64d6a743fe4f1d"
                + "ba0e0bebf855b2639cd67e72b11001")
    }

    /// The five commitments, with the one ciphertext at position 1.
    private static func package(_ chain: VectorChain) throws -> SharePackage {
        let context = ShareContext(
            kind: .selfMaskSeed, scope: chain.parameters.sessionID, dealer: 3, chargeSequence: 42)
        return try SharePackage(
            cborValue: .message(
                (1, .array(try (0..<5).map { .bytes($0 == 1 ? try Hex.decode(ciphertext) : []) })),
                (
                    2,
                    .array(
                        try (0..<5).map {
                            .bytes(SharePackage.commitment(to: try share($0), context: context, holder: $0).bytes)
                        })
                )))
    }

    /// Node 3's upload of the masked vector above, with the root of the five shares.
    private static func upload(_ sessionID: Digest) throws -> SignedMessage<Upload> {
        try SignedMessage(
            signing: Upload(
                sessionID: sessionID, node: 3, sequence: 1, chargeSequence: 42,
                selfMaskCommitment: Digest(hex: "1c2316333532aba77709ea9abcd1a1318d5476394d43719d0ca995be67f9fc9b"),
                vectorDigest: Digest(hex: "6f3ab4aa1ee99e4afcc409a806027bacad51ef88fc5d3692596bf1ddaa0f7bc3"),
                shareRoot: Digest(hex: "fbdb14d3ab27a71e5fbe24b6ee47a25f116a46217ec3b81ca2bafa496f73d895")),
            key: VectorChain.protocolKey(3))
    }

    /// A prekey that carries an agreement key has another digest, so a roster names the key with it.
    @Test func latePrekey() throws {
        let prekey = Prekey(
            epochRoot: try VectorChain().epoch.root, node: 3, sequence: 1,
            publicKey: try VectorChain.prekeySecret(3).publicKey, shareRoot: try VectorChain.digest(0x77),
            agreementKey: try VectorChain.agreementKey(3).publicKey)
        #expect(prekey.digest.hex == "22cdc6db45ac5f0f3639406eba698db9cdf2bd50b1e41690ada25625051dc90b")
    }

    /// Row 17 of the attack table: no bit of a seed or a key is ignored.
    @Test("Row 17: every bit of a seed counts") func everyBitOfASeedCounts() throws {
        let sessionID = try VectorChain().parameters.sessionID
        var keys: Set<[UInt8]> = []
        var commitments: Set<Digest> = []
        for bit in 0..<256 {
            var bytes = VectorChain.seed.unprotectedCopy()
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let seed = SecretBytes(copying: bytes)
            keys.insert(
                try MaskDerivation.selfMaskKey(sessionID: sessionID, seed: seed, node: 3).unprotectedCopy())
            commitments.insert(MaskDerivation.selfMaskCommitment(sessionID: sessionID, node: 3, seed: seed))
        }
        #expect(keys.count == 256 && commitments.count == 256)
        #expect(keys.allSatisfy { $0.count == 32 })
    }
}
