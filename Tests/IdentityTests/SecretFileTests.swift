// Key files: whole, private, durable, and refused when someone else could have read them.

import Cryptography
import Foundation
import Identity
import Testing

final class SecretFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "secret-file-\(UUID().uuidString)").path
    private let secret = SecretBytes(copying: [UInt8]("not for others".utf8))
    private let kind = "test key"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func mode(_ path: String) throws -> Int {
        try (FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }

    @Test func roundTripWithMode0600AndNothingLeftBehind() throws {
        let path = "\(folder)/a.key"
        let previous = umask(0)
        defer { umask(previous) }
        try SecretFile.write(secret, to: path, kind: kind)
        #expect(try SecretFile.read(path, kind: kind) == secret)
        #expect(try mode(path) == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.key"])
    }

    @Test func replacesOnlyWhenAsked() throws {
        let path = "\(folder)/a.key"
        try SecretFile.write(secret, to: path, kind: kind)
        let other = SecretBytes(copying: [1, 2, 3])
        #expect(throws: SecretFileError.alreadyExists(kind: kind)) {
            try SecretFile.write(other, to: path, kind: kind)
        }
        #expect(try SecretFile.read(path, kind: kind) == secret)
        try SecretFile.write(other, to: path, kind: kind, replacing: true)
        #expect(try SecretFile.read(path, kind: kind) == other)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.key"])
    }

    @Test(arguments: [0o640, 0o604, 0o610, 0o601, 0o620, 0o602, 0o666])
    func refusesFilesOpenToOthers(mode: Int) throws {
        let path = "\(folder)/a.key"
        try SecretFile.write(secret, to: path, kind: kind)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(throws: SecretFileError.accessibleByOthers(kind: kind)) { try SecretFile.read(path, kind: kind) }
    }

    @Test(.enabled(if: geteuid() == 0, "only the super-user can give a file away"))
    func refusesFilesOfAnotherUser() throws {
        let path = "\(folder)/a.key"
        try SecretFile.write(secret, to: path, kind: kind)
        try #require(chown(path, 65_534, 65_534) == 0)
        #expect(throws: SecretFileError.foreignOwner(kind: kind)) { try SecretFile.read(path, kind: kind) }
    }

    @Test func refusesWhatIsNoFile() throws {
        #expect(throws: SecretFileError.missing(kind: kind)) { try SecretFile.read("\(folder)/none", kind: kind) }
        #expect(throws: SecretFileError.notRegular(kind: kind)) { try SecretFile.read(folder, kind: kind) }
        try SecretFile.write(secret, to: "\(folder)/a.key", kind: kind)
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/link", withDestinationPath: "\(folder)/a.key")
        #expect(throws: SecretFileError.notRegular(kind: kind)) { try SecretFile.read("\(folder)/link", kind: kind) }
        try #require(mkfifo("\(folder)/pipe", 0o600) == 0)
        #expect(throws: SecretFileError.notRegular(kind: kind)) { try SecretFile.read("\(folder)/pipe", kind: kind) }
    }

    @Test func refusesWhatIsTooLarge() throws {
        let path = "\(folder)/a.key"
        try SecretFile.write(
            SecretBytes(copying: [UInt8](repeating: 0, count: SecretFile.maximumBytes + 1)), to: path, kind: kind)
        #expect(throws: SecretFileError.tooLarge(kind: kind)) { try SecretFile.read(path, kind: kind) }
    }

    @Test func errorsNameTheKindOnly() {
        do {
            _ = try SecretFile.read("\(folder)/hidden-name", kind: kind)
            Issue.record("a missing file was read")
        } catch {
            #expect(error.description == "test key file is missing")
        }
    }

    @Test func tlsFilesRoundTrip() throws {
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        let validity = try CertificateValidity(
            notBeforeMilliseconds: now - 60_000, notAfterMilliseconds: now + 600_000)
        let authority = try CertificateAuthority(name: "Test chain", validity: validity)
        let leaf = try authority.issue(
            subjectID: try SPIFFEID("spiffe://chain.example/store/a"), usage: .client, validity: validity)
        let files = TLSFiles(folder: folder)
        try files.write(TLSCredentials(certificateAuthorityPEM: authority.certificatePEM, identity: leaf))
        let read = try TLSCredentials(files: files)
        #expect(read.certificateAuthorityPEM == authority.certificatePEM)
        #expect(read.identity.certificatePEM == leaf.certificatePEM)
        #expect(read.identity.privateKeyPEM == leaf.privateKeyPEM)
        #expect(try mode(files.privateKey) == 0o600)
        #expect(try mode(files.certificate) == 0o644)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: files.privateKey)
        #expect(throws: IdentityError.file(.accessibleByOthers(kind: "TLS private key"))) {
            try TLSCredentials(files: files)
        }
    }
}
