// Certificates: what is issued carries what was asked, and what does not carry exactly one identity gives none.

import Cryptography
import Identity
import TestSupport
import Testing

struct CertificateTests {
    /// 2026-01-01 and ten years later, in milliseconds since 1970.
    static let start: Int64 = 1_767_225_600_000
    static let end: Int64 = 2_082_758_400_000
    let authority: CertificateAuthority
    let validity: CertificateValidity

    init() throws {
        validity = try CertificateValidity(
            notBeforeMilliseconds: CertificateTests.start, notAfterMilliseconds: CertificateTests.end)
        authority = try CertificateAuthority(name: "Test chain", validity: validity)
    }

    @Test func leafCarriesItsIdentity() throws {
        let id = try SPIFFEID("spiffe://chain.example/store/north-7")
        let leaf = try authority.issue(subjectID: id, usage: .client, validity: validity)
        let peer = try leaf.peerIdentity()
        #expect(peer.id == id)
        #expect(peer.notAfterMilliseconds == CertificateTests.end)
        #expect(peer.serialHex.utf8.count == 32)
        #expect(try PeerIdentity(certificatePEM: leaf.certificatePEM) == peer)
    }

    @Test func serverLeafWithNamesAndAddresses() throws {
        let id = try SPIFFEID("spiffe://chain.example/coordinator/eu")
        let leaf = try authority.issue(
            subjectID: id, usage: .server(dnsNames: ["coordinator.example"], ipAddresses: ["127.0.0.1", "::1"]),
            validity: validity)
        #expect(try leaf.peerIdentity().id == id)
    }

    @Test(arguments: ["", "-a", "a-", "a..b", "a b", "*.example", "a,URI:spiffe://chain.example/store/x", "é"])
    func refusesMalformedServerNames(name: String) throws {
        let id = try SPIFFEID("spiffe://chain.example/coordinator/eu")
        #expect(throws: IdentityError.certificateRefused(.subjectAlternativeName)) {
            try authority.issue(
                subjectID: id, usage: .server(dnsNames: [name], ipAddresses: []), validity: validity)
        }
        #expect(throws: IdentityError.certificateRefused(.subjectAlternativeName)) {
            try authority.issue(
                subjectID: id, usage: .server(dnsNames: [], ipAddresses: [name]), validity: validity)
        }
    }

    @Test func everyCertificateHasItsOwnKeyAndSerial() throws {
        let id = try SPIFFEID("spiffe://chain.example/store/a")
        let first = try authority.issue(subjectID: id, usage: .client, validity: validity)
        let second = try authority.issue(subjectID: id, usage: .client, validity: validity)
        #expect(try first.peerIdentity().serialHex != second.peerIdentity().serialHex)
        #expect(try first.peerIdentity().publicKeyDigest != second.peerIdentity().publicKeyDigest)
        #expect(try first.peerIdentity().certificateFingerprint != second.peerIdentity().certificateFingerprint)
        #expect(first.privateKeyPEM != second.privateKeyPEM)
    }

    @Test func serialComesFromTheGivenSource() throws {
        let id = try SPIFFEID("spiffe://chain.example/store/a")
        let serials = try (0..<2).map { _ in
            try authority.issue(
                subjectID: id, usage: .client, validity: validity, randomSource: SeededRandomSource(seed: 7)
            ).peerIdentity().serialHex
        }
        #expect(serials[0] == serials[1])
    }

    @Test func rootIsNoIdentityAndLeafIsNoRoot() throws {
        #expect(throws: IdentityError.certificateRefused(.isAuthority)) {
            try PeerIdentity(certificatePEM: authority.certificatePEM)
        }
        let leaf = try authority.issue(
            subjectID: try SPIFFEID("spiffe://chain.example/store/a"), usage: .client, validity: validity)
        #expect(throws: IdentityError.certificateRefused(.isNotAuthority)) {
            try CertificateAuthority(certificatePEM: leaf.certificatePEM, privateKeyPEM: leaf.privateKeyPEM)
        }
        #expect(throws: IdentityError.certificateRefused(.keyMismatch)) {
            try CertificateAuthority(certificatePEM: authority.certificatePEM, privateKeyPEM: leaf.privateKeyPEM)
        }
        #expect(throws: IdentityError.certificateRefused(.keyMismatch)) {
            try TLSIdentity(certificatePEM: leaf.certificatePEM, privateKeyPEM: authority.privateKeyPEM)
        }
    }

    @Test func reloadedRootIssuesForTheSameChain() throws {
        let reloaded = try CertificateAuthority(
            certificatePEM: authority.certificatePEM, privateKeyPEM: authority.privateKeyPEM)
        let leaf = try reloaded.issue(
            subjectID: try SPIFFEID("spiffe://chain.example/auditor/a"), usage: .client, validity: validity)
        #expect(try leaf.peerIdentity().id.role == .auditor)
    }

    @Test func leafMayNotOutliveTheRoot() throws {
        let longer = try CertificateValidity(
            notBeforeMilliseconds: CertificateTests.start, notAfterMilliseconds: CertificateTests.end + 1_000)
        #expect(throws: IdentityError.certificateRefused(.validity)) {
            try authority.issue(
                subjectID: try SPIFFEID("spiffe://chain.example/store/a"), usage: .client, validity: longer)
        }
        #expect(throws: IdentityError.certificateRefused(.validity)) {
            try CertificateValidity(notBeforeMilliseconds: 5_000, notAfterMilliseconds: 5_999)
        }
    }

    @Test(arguments: ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func refusesDamagedPEM(text: String) {
        #expect(throws: IdentityError.malformedPEM("certificate")) { try PeerIdentity(certificatePEM: text) }
        #expect(throws: IdentityError.malformedPEM("private key")) {
            try CertificateAuthority(
                certificatePEM: authority.certificatePEM, privateKeyPEM: SecretBytes(copying: [UInt8](text.utf8)))
        }
    }

    /// Made once with the openssl command line: a client certificate with two SPIFFE URIs, one with none.
    @Test(arguments: [Fixtures.twoURIs, Fixtures.noURI, Fixtures.foreignURI])
    func refusesCertificatesWithoutExactlyOneIdentity(fixture: Fixtures.Refused) {
        #expect(throws: fixture.error) { try PeerIdentity(certificatePEM: fixture.pem) }
    }

    @Test func secretsDoNotPrint() throws {
        let leaf = try authority.issue(
            subjectID: try SPIFFEID("spiffe://chain.example/store/a"), usage: .client, validity: validity)
        #expect(!"\(leaf)".contains("PRIVATE"))
        #expect(!"\(authority)".contains("PRIVATE"))
    }
}
