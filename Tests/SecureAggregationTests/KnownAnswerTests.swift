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
            previousConsentSize: 990, dimension: 4, layout: .twoBy32, generator: .aes256Counter, cohortSize: 18,
            minAlive: 17,
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
        #expect(chain.epoch.root.hex == "b45847fdc41558fafffe61a7811b996570c4cfbbbd9e92fb7442076d433c3702")
        let keysDigest = "614e9cb074e894ca5b64a7b727158b397e150bd306e2460a00498d47e333ca54"
        #expect(chain.epoch.head.keysDigest.hex == keysDigest)
        #expect(Hex.encode(chain.epoch.head.encoded()) == "a30101021b000001a33c68d400035820" + keysDigest)
        let prekey = try VectorChain.prekey(3, epochRoot: chain.epoch.root)
        #expect(prekey.digest.hex == "c8a2072fbeba35f730c9bc60acd3af072da6846022c353e336ca5133a4c2ac93")
        #expect(prekey.id.hex == "8ed7d77ba3126281f51fdbf1aeff64f0a71c35d463d2d4a689b7787aaffdde0f")
        #expect(chain.roster.digest.hex == "6b6c3d73ada8038f2da390c3d82641df76bb2542cf76347cd6bbf46e92497bc7")
        #expect(chain.parameters.jobID.description == "03f90f80575e1ecb8a30e0f418a8e825")
        #expect(
            Hex.encode(chain.parameters.encoded())
                == "b301582020c61d1259311dc53db4eba7efed1e920bc845401ef67c9d3cd7906c7a15db31025820b45847fdc41558fafffe"
                + "61a7811b996570c4cfbbbd9e92fb7442076d433c3702035003f90f80575e1ecb8a30e0f418a8e82504050501065820"
                + "44444444444444444444444444444444444444444444444444444444444444440758203333333333333333333333333333"
                + "333333333333333333333333333333333333081903e8095820555555555555555555555555555555555555555555555555"
                + "55555555555555550a1903de0b040c020d18200e010f121011111b000001a3185d3a6012a401110200030604061358206b"
                + "6c3d73ada8038f2da390c3d82641df76bb2542cf76347cd6bbf46e92497bc7")
        #expect(chain.parameters.sessionID.hex == "e7ec3752c5a6f2743be66c332dfa7d8ac3904061b0819bae446c5c2021fd211a")
    }

    @Test("Row 17: known answers of mask keys") func maskKeys() throws {
        let sessionID = try VectorChain().parameters.sessionID
        let three = try VectorChain.prekeySecret(3)
        let seven = try VectorChain.prekeySecret(7)
        let pair = "7894f6e92e181d65cf3da3e27dd38769c930e2f98f6f2503bce749d1266ca7ef"
        let forward = try MaskDerivation.pairKey(
            sessionID: sessionID, own: three, ownNode: 3, peer: seven.publicKey, peerNode: 7)
        let backward = try MaskDerivation.pairKey(
            sessionID: sessionID, own: seven, ownNode: 7, peer: three.publicKey, peerNode: 3)
        #expect(Hex.encode(forward.unprotectedCopy()) == pair && forward == backward)
        let own = try MaskDerivation.selfMaskKey(sessionID: sessionID, seed: VectorChain.seed, node: 3)
        #expect(
            Hex.encode(own.unprotectedCopy()) == "9bce52982bc0e653d2b4ed9c0d63ce184dcc50e16d2b3beb493a0eeb36ff3225")
        var stream = try KeystreamGenerator(key: own)
        #expect(try stream.next(count: 2) == [0xd356_8773_1581_a251, 0xdbe1_793b_dcf4_91db])
        var words = [UInt64](repeating: 0, count: 4)
        try MaskExpander.apply([MaskTerm(key: own, subtract: false)], generator: .chaCha20, to: &words, wordOffset: 6)
        #expect(
            words == [
                0x7241_96cc_b5b6_9be0, 0xae96_2842_1317_f368, 0x6df9_a455_a35b_8843, 0xf22d_e918_91c8_7707,
            ])
        #expect(
            MaskDerivation.selfMaskCommitment(sessionID: sessionID, node: 3, seed: VectorChain.seed).hex
                == "6a93dc810b84bf21b1f0cc64662ed1da082e3029f86d90abeb406368dec69af5")
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
        try MaskExpander.apply(terms, generator: .aes256Counter, to: &words)
        #expect(words == [0x1a97_641b_51de_1623, 0x4d8c_5afa_a6e7_23e9])
        #expect(
            VectorChunks.digest(wordCount: 2, chunkDigests: VectorChunks.chunkDigests(of: words)).hex
                == "84c8c208e373389ba5a849ddbf8a7b282e819619bac1f8e47284b9c3a63c6c14")
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
        "000102030405060708090a0bb10dfd559a788d2cd22be980cb0c26d1138980457a670e9a095d37818331ddd6f97acd709d3b4477b8aa5bc5"
        + "32989a6b687cb7ee572e5044"

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
                == "d98cd41c52a284d2af0bebc6666bf22cbfa6d5081c19f40647ee674d8de84d5e")
        let package = try Self.package(chain)
        #expect(package.root.hex == "4b7714af5991eb2fcbee82f7bceedfe11b4555a71b659e9d8169123699efa2a8")
        let opening = try #require(package.opening(of: 1))
        #expect(
            opening.path.map(\.hex) == [
                "75c0586aaa8e490ba605f57e3afd0518c600c0d36cd73bd3bc6031bc7132014d",
                "a5c57f731269b1df87a32dda11ff30659aa1e42bb7dc8330a3af1bcd8ee949c8",
                "a28cf50fd2eb0bab3d08f5417a957122fb5d38ee88bb01718fc273c1565ccdef",
            ])
        try opening.verify(root: package.root, position: 1, count: 5)
    }

    @Test func labelVoteAndOpening() throws {
        let chain = try VectorChain()
        let sessionID = chain.parameters.sessionID
        let survivors = SurvivorSet(sessionID: sessionID, alive: (0..<18).map { $0 != 5 })
        #expect(Hex.encode(survivors.bitmap) == "fbffc0")
        #expect(survivors.digest.hex == "f5ab1f9101a53bceea27c8b0ce994025fba2c90d09b9aacc132367786bfdb928")
        let vote = try SignedMessage(
            signing: LabelVote(sessionID: sessionID, node: 1, labelDigest: survivors.digest),
            key: VectorChain.protocolKey(1))
        #expect(
            Hex.encode(vote.signature)
                == "b46abe0f2e230d663b7a9764f7a12f3a638d26b70091509b302dc0762f10fcdaab806cdfded88dec6effaaee153a9193e6"
                + "d16863e7bcb95824ee2410fb0f890c")
        let deal = Deal(upload: try Self.upload(sessionID))
        #expect(deal.digest.hex == "272ea6d9dcce022db820671882ad02ec8c428a5588447ed27342cd3be8528397")
        let item = ShownShare(
            deal: deal, opening: try #require(try Self.package(chain).opening(of: 1)))
        #expect(
            SHA256.hash(item.encoded()).hex == "fcf31826a660e95bb2fe608afc2a2a722e2c32efb50e7b377046fe960da9d8d9")
        func opening(_ items: [ShownShare]) -> String {
            RevealRequest(
                sessionID: sessionID, certificate: LabelCertificate(votes: []), bitmap: survivors.bitmap, items: items
            ).openingDigest.hex
        }
        #expect(opening([item]) == "b58d0c2ebcf04ca081f867d7407d061c9c929df5e485e44d56371dcfcb40863d")
        #expect(opening([item, item]) == "59249ae447eec79db180909b0365a623fccd37d41c687e0fac09adc076c3c486")
        let report = try SignedMessage(
            signing: ShareReport(
                epochRoot: chain.epoch.root, node: 1, results: [.init(deal: deal.digest, isValid: false)]),
            key: VectorChain.protocolKey(1))
        #expect(
            Hex.encode(report.signature)
                == "213c730eadf0646914f0df080ebb4467efcfd09fc72cd64c5cbea1da1a3b5d7df0aa159dc1525ce1ae566b140572a6b5b0"
                + "6c3595682b187e66f5090252c77905")
    }

    /// Evidence of kind 2 about an upload and about a prekey, each with what binds it to the register.
    @Test func evidence() throws {
        let chain = try VectorChain()
        let prekey = Deal(
            prekey: try SignedMessage(
                signing: VectorChain.prekey(3, epochRoot: chain.epoch.root), key: VectorChain.protocolKey(3)))
        #expect(prekey.digest.hex == "91543c7d7474a6673a48f782005ea863ff7aa2504ae3bc46ce3dcb2486cca066")
        for (deal, digest) in [
            (
                Deal(upload: try Self.upload(chain.parameters.sessionID)),
                "81b4b463885826570308629fc0d85fc47c31f4c1c2bef7799943ebf2ba181af1"
            ), (prekey, "c9eaa520bc82ef0189f6a6cf8e64bd1947d00ec594c91a09743ce4b6f22b7880"),
        ] {
            let reports = try [1, 2].map { member in
                try SignedMessage(
                    signing: ShareReport(
                        epochRoot: chain.epoch.root, node: NodeIndex(member),
                        results: [.init(deal: deal.digest, isValid: false)]),
                    key: VectorChain.protocolKey(member))
            }
            let evidence = FaultEvidence(
                registerDigest: chain.register.digest, fault: .rejectedDeal(deal, reports: reports),
                session: chain.parameters, epoch: chain.epoch.head)
            #expect(evidence.digest.hex == digest)
            #expect(try evidence.verify(register: chain.register, coordinatorKey: nil) == .node(3))
        }
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
                selfMaskCommitment: Digest(hex: "6a93dc810b84bf21b1f0cc64662ed1da082e3029f86d90abeb406368dec69af5"),
                vectorDigest: Digest(hex: "84c8c208e373389ba5a849ddbf8a7b282e819619bac1f8e47284b9c3a63c6c14"),
                shareRoot: Digest(hex: "4b7714af5991eb2fcbee82f7bceedfe11b4555a71b659e9d8169123699efa2a8")),
            key: VectorChain.protocolKey(3))
    }

    /// A prekey that carries an agreement key has another digest, so a roster names the key with it.
    @Test func latePrekey() throws {
        let prekey = Prekey(
            epochRoot: try VectorChain().epoch.root, node: 3, sequence: 1,
            publicKey: try VectorChain.prekeySecret(3).publicKey, shareRoot: try VectorChain.digest(0x77),
            agreementKey: try VectorChain.agreementKey(3).publicKey)
        #expect(prekey.digest.hex == "2c84646731da188df4ca28244266c8ac77b34b930a828f50865d2f3baeaafd0c")
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
