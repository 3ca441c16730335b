// The keys of one small chain, made once for the whole test process by the same ceremony that makes real ones.

import ChainKeys
import Consent
import Cryptography
import Foundation
import Identity
import Learning
import Rounds
import SecureAggregation
import Vectors

/// The keys of a chain, 24 stores unless a test needs more.
final class TestKeys: Sendable {
    static let chain = "test.example"
    static let storeCount = 24
    /// Made at first use; its folder goes with the process.
    static let shared: TestKeys = {
        let keys = made(storeCount: storeCount)
        atexit { try? FileManager.default.removeItem(atPath: TestKeys.shared.folder.path) }
        return keys
    }()

    /// A chain of 54 stores with C = 1: three groups of 18, each with one node more than the 17 of minAlive.
    static let grouped: TestKeys = {
        let keys = made(storeCount: 54, corruptPermille: 15)
        atexit { try? FileManager.default.removeItem(atPath: TestKeys.grouped.folder.path) }
        return keys
    }()

    private static func made(storeCount: Int, corruptPermille: Int? = nil) -> TestKeys {
        do { return try TestKeys(storeCount: storeCount, corruptPermille: corruptPermille) } catch {
            preconditionFailure("the key ceremony failed: \(error)")
        }
    }

    let folder: TestFolder
    let nowMilliseconds: Int64
    let stores: [String]
    let anchors: TrustAnchors
    let register: Register
    let planKey: Ed25519PrivateKey

    private init(storeCount: Int, corruptPermille: Int?) throws {
        folder = try TestFolder()
        nowMilliseconds = Int64(Date().timeIntervalSince1970 * 1_000)
        stores = StoreNames.numbered(storeCount)
        var ceremony = KeyCeremony(chain: Self.chain, stores: stores, nowMilliseconds: nowMilliseconds)
        if let corruptPermille { ceremony.corruptPermille = corruptPermille }
        try ceremony.perform(folder: folder("keys"))
        let owner = KeyFolder(path: folder("keys/plan-owner"))
        anchors = try owner.anchors()
        register = try owner.register(anchors: anchors).body
        planKey = try owner.planKey()
    }

    var coordinatorFolder: String { folder("keys/coordinator") }

    func storeFolder(_ index: Int) -> KeyFolder { KeyFolder(path: folder("keys/stores/\(stores[index])")) }

    /// The TLS files of a person's role.
    func person(_ role: Role) -> TLSFiles { KeyFolder(path: folder("keys/\(role.rawValue)")).tls }

    /// What the server sees of a certificate.
    static func peer(_ files: TLSFiles) throws -> PeerIdentity {
        try PeerIdentity(certificatePEM: try String(contentsOfFile: files.certificate, encoding: .utf8))
    }

    /// The chain's own authority, for certificates that a ceremony would not issue.
    func authority() throws -> CertificateAuthority {
        return try CertificateAuthority(
            certificatePEM: try String(contentsOfFile: folder("keys/authority/ca.crt"), encoding: .utf8),
            privateKeyPEM: try SecretFile.read(folder("keys/authority/ca.key"), kind: "ca.key"))
    }

    // MARK: A small job

    static let rounds = 4

    /// Four categories, few rounds.
    static func job() throws -> PropensityJob {
        try PropensityJob.defaults(
            vocabulary: try Vocabulary(["bread", "milk", "soap", "tea"]),
            schedule: try ExampleSchedule(endSeconds: 1_700_000_000), rounds: rounds)
    }

    static func initialModel() throws -> [UInt8] {
        let job = try job()
        return try ModelFile(model: job.initialModel, vocabulary: job.vocabulary, constants: job.constants).encoded()
    }

    /// A plan for ``job()``; `name` makes it another job.
    func plan(
        _ name: String = "test", epsilonCapMillionths: UInt64 = 4_000_000, corruptMax: Int? = nil,
        job: PropensityJob? = nil, maximumCustomers: Int = 100_000, subCohorts: SubCohortSettings? = nil,
        generator: KeystreamCipher = .aes256Counter
    ) throws -> SignedMessage<TrainingPlan> {
        let plan = TrainingPlan(
            name: name, purpose: .trainFederated, job: try job ?? Self.job(), clipRadius: 1 << 12,
            rideAlongWeights: [410, 410], noiseMultiplierThousandths: 6_000, samplingMillionths: 1_000_000,
            layout: .twoBy32, minAlive: register.smallestMinAlive, corruptMax: corruptMax ?? register.corruptMax,
            epsilonCapMillionths: epsilonCapMillionths, deltaReciprocal: 1_000_000, maximumCustomers: maximumCustomers,
            initialModelDigest: SHA256.hash(try Self.initialModel()), subCohorts: subCohorts, generator: generator)
        return try SignedMessage(signing: plan, key: planKey)
    }
}
