// The chain's keys for development and demonstration: every role its own certificate and key, in folders that can be
// handed out one by one. A production chain runs the same steps on separate machines (Keys/README.md).

import Cryptography
import FoundationEssentials
import Identity
import MerkleLog
import SecureAggregation
import WireFormat

/// What to create.
public struct KeyCeremony: Sendable {
    /// Trust domain, such as `concord.example`.
    public var chain: String
    /// Names of the store nodes; their order gives their register indices.
    public var stores: [String]
    /// Share of nodes assumed corrupt, in thousandths.
    public var corruptPermille: Int
    /// Share of nodes whose absence the parameters survive, in thousandths.
    public var dropoutPermille: Int
    /// Addresses of the coordinator's certificate.
    public var coordinatorAddresses: [String]
    /// Validity of every certificate, in days from `nowMilliseconds`.
    public var validityDays: Int
    /// Unix milliseconds.
    public var nowMilliseconds: Int64

    /// A ceremony with a twentieth of the nodes corrupt and a tenth absent, valid for 30 days on loopback.
    public init(chain: String, stores: [String], nowMilliseconds: Int64) {
        self.chain = chain
        self.stores = stores
        corruptPermille = 50
        dropoutPermille = 100
        coordinatorAddresses = ["127.0.0.1"]
        validityDays = 30
        self.nowMilliseconds = nowMilliseconds
    }

    /// People who get a certificate each.
    public static let people: [Role] = [.planOwner, .officer, .engineer, .operator, .auditor]

    /// Creates everything below `folder`, which must not exist yet.
    /// - Throws: ``KeyFolderError`` and the errors of its parts; on failure the folder is removed again.
    public func perform(folder: String) throws {
        guard !FileManager.default.fileExists(atPath: folder) else { throw KeyFolderError.exists }
        try Self.makeFolder(folder)
        do {
            try write(to: folder)
            try Self.closeFiles(below: folder)
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    private func write(to folder: String) throws {
        let validity = try CertificateValidity(
            notBeforeMilliseconds: nowMilliseconds - 3_600_000,
            notAfterMilliseconds: nowMilliseconds + Int64(validityDays) * 86_400_000)
        let authority = try CertificateAuthority(name: "\(chain) development CA", validity: validity)
        let registerKey = try Ed25519PrivateKey()
        let planKey = try Ed25519PrivateKey()
        let offerKey = try Ed25519PrivateKey()
        let ledgerKey = try Ed25519PrivateKey()
        let handleKey = try SecretBytes.random(count: 32)
        let ledgerSigner = try NoteSigner(name: "\(chain)/consent", key: ledgerKey)

        let protocolKeys = try stores.map { _ in try Ed25519PrivateKey() }
        let register = try makeRegister(protocolKeys)
        let signedRegister = try SignedMessage(signing: register, key: registerKey)
        let anchors = TrustAnchors(
            chain: chain, authorityKey: registerKey.publicKey, planOwnerKey: planKey.publicKey,
            coordinatorKey: offerKey.publicKey, ledgerVerifierKey: ledgerSigner.verifierKey.text)

        let root = KeyFolder(path: "\(folder)/authority")
        try Self.makeFolder(root.path)
        try root.writePublic([UInt8](authority.certificatePEM.utf8), "ca.crt")
        try root.writeSecret(authority.privateKeyPEM, "ca.key")
        try root.writeSecret(registerKey.rawRepresentation, "register.key")

        func member(_ name: String, _ role: Role, _ person: String, _ usage: CertificateUsage) throws -> KeyFolder {
            let member = KeyFolder(path: "\(folder)/\(name)")
            try Self.makeFolder(member.path)
            try Self.makeFolder("\(member.path)/tls")
            let identity = try authority.issue(
                subjectID: SPIFFEID(trustDomain: chain, role: role, name: person), usage: usage, validity: validity)
            try TLSFiles(folder: "\(member.path)/tls").write(
                TLSCredentials(certificateAuthorityPEM: authority.certificatePEM, identity: identity))
            try member.writePublic(anchors.encoded(), KeyFolder.anchorsFile)
            try member.writePublic(signedRegister.encoded(), KeyFolder.registerFile)
            return member
        }

        let coordinator = try member(
            "coordinator", .coordinator, "coordinator",
            .server(dnsNames: ["localhost"], ipAddresses: coordinatorAddresses))
        try coordinator.writeSecret(offerKey.rawRepresentation, KeyFolder.offerKeyFile)
        try coordinator.writeSecret(ledgerKey.rawRepresentation, KeyFolder.ledgerKeyFile)
        try coordinator.writeSecret(try SecretBytes.random(count: 32), KeyFolder.keyEncryptionKeyFile)

        for role in Self.people {
            let person = try member(role.rawValue, role, role.rawValue, .client)
            if role == .planOwner { try person.writeSecret(planKey.rawRepresentation, KeyFolder.planKeyFile) }
        }
        try Self.makeFolder("\(folder)/stores")
        for (store, key) in zip(stores, protocolKeys) {
            let node = try member("stores/\(store)", .store, store, .client)
            try node.writeSecret(key.rawRepresentation, KeyFolder.protocolKeyFile)
            try node.writeSecret(try SecretBytes.random(count: 32), KeyFolder.hedgeFile)
            try node.writeSecret(handleKey, KeyFolder.handleKeyFile)
        }
    }

    private func makeRegister(_ protocolKeys: [Ed25519PrivateKey]) throws -> Register {
        let corruptMax = Register.corruptMax(registered: stores.count, permille: corruptPermille)
        guard
            let committeeSize = ProtocolParameters.smallestCommittee(
                registered: stores.count, corruptMax: corruptMax, dropoutPermille: dropoutPermille)
        else {
            throw KeyFolderError.invalid(
                "\(stores.count) stores cannot form a committee against \(corruptMax) corrupt and this dropout:"
                    + " enlist more stores")
        }
        // Spread over the register rather than its first rows, so that no region holds the whole committee.
        let committee = (0..<committeeSize).map { NodeIndex($0 * stores.count / committeeSize) }
        return try Register(
            chain: chain, version: 1,
            nodes: stores.enumerated().map { index, name in
                RegisteredNode(
                    index: NodeIndex(index), name: name, operatorName: chain,
                    protocolKey: protocolKeys[index].publicKey)
            }, corruptMax: corruptMax, committee: committee, dropoutPermille: dropoutPermille)
    }

    /// Nobody but the owner reads anything here, certificates included: the folder says which stores a chain has.
    private static func closeFiles(below folder: String) throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            let path = "\(folder)/\(name)"
            var isFolder = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder else { continue }
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
    }

    static func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
}
