// The auditor's tool as an auditor runs it: files in, a verdict and an exit code out.

import Cryptography
import Foundation
import MerkleLog
import SecureAggregation
import TestSupport
import Testing
import WireFormat

@testable import Evidence

/// The tool is built beside the tests.
private let tool = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "concord-verify")
private let isToolBuilt = FileManager.default.isExecutableFile(atPath: tool.path)

@Suite("concord-verify", .enabled(if: isToolBuilt, "the tool is not built"))
struct ToolTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "evidence-\(UUID().uuidString)")

    private func run(_ arguments: String...) throws -> (code: Int32, output: String, error: String) {
        let process = Process()
        let (output, error) = (Pipe(), Pipe())
        process.executableURL = tool
        process.arguments = arguments.map { $0.replacing("@", with: folder.path + "/") }
        process.standardOutput = output
        process.standardError = error
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let message = try error.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: text, as: UTF8.self), String(decoding: message, as: UTF8.self)
        )
    }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: folder.appending(path: name))
    }

    @Test("says verified, refused, or cannot tell, each with its exit code")
    func verdicts() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (scenario, parts) = try EvidenceScenario.complete()
        var bytes = try scenario.sealed(parts)
        try write(bytes, "evidence.cbor")
        try write(scenario.anchors.encoded(), "trust.cbor")
        try write([2], "model")
        try write([3], "other")
        let verified = try run("@evidence.cbor", "--trust", "@trust.cbor", "--model", "@model")
        #expect(verified.code == 0)
        #expect(verified.output.contains("VERIFIED"))
        #expect(verified.output.contains("left out of round 2 by node 0"))

        let json = try run("@evidence.cbor", "--trust", "@trust.cbor", "--json")
        #expect(json.code == 0)
        let verdict = try required(
            JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(verdict["verdict"] as? String == "verified")
        #expect((verdict["rounds"] as? [Any])?.count == 2)
        #expect(verdict["modelFileVerified"] as? Bool == false)

        let other = try run("@evidence.cbor", "--trust", "@trust.cbor", "--model", "@other")
        #expect(other.code == 1)
        #expect(other.output.contains("REFUSED  model: the file is not the bundle's model"))

        bytes[bytes.count - 1] ^= 1
        try write(bytes, "altered.cbor")
        let altered = try run("@altered.cbor", "--trust", "@trust.cbor", "--json")
        #expect(altered.code == 1)
        #expect(altered.output.contains("\"check\" : \"seal\""))

        #expect(try run("@evidence.cbor", "--trust", "@missing").code == 2)
        #expect(try run("@missing", "--trust", "@trust.cbor").code == 2)
        #expect(try run("@evidence.cbor", "--trust", "@model").code == 2)
        #expect(try run("@", "--trust", "@trust.cbor").code == 2)
        #expect(try run("@evidence.cbor").code == 64)
        #expect(try run().code == 64)
    }

    @Test("judges a fault file under the signed register")
    func faults() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (scenario, parts) = try EvidenceScenario.complete()
        let session = SHA256.hash([9])
        func vote(_ label: UInt8, signer: Int) throws -> SignedMessage<LabelVote> {
            try SignedMessage(
                signing: LabelVote(sessionID: session, node: 1, labelDigest: SHA256.hash([label])),
                key: scenario.nodeKeys[signer])
        }
        func fault(signer: Int) throws -> [UInt8] {
            FaultEvidence(
                registerDigest: scenario.register.digest,
                fault: .doubleVote(try vote(1, signer: 1), try vote(2, signer: signer))
            ).encoded()
        }
        try write(try fault(signer: 1), "fault.cbor")
        try write(try fault(signer: 2), "forged.cbor")
        try write(scenario.anchors.encoded(), "trust.cbor")
        try write(parts.register.encoded(), "register.cbor")
        let other = try SignedMessage(signing: scenario.register, key: scenario.stranger)
        try write(other.encoded(), "other.cbor")
        let proved = try run("@fault.cbor", "--trust", "@trust.cbor", "--register", "@register.cbor")
        #expect(proved.code == 0)
        #expect(proved.output.contains("PROVED  node 1: double-vote"))
        let json = try run("@fault.cbor", "--trust", "@trust.cbor", "--register", "@register.cbor", "--json")
        #expect(json.output.contains("\"accused\" : \"node 1\""))
        let forged = try run("@forged.cbor", "--trust", "@trust.cbor", "--register", "@register.cbor")
        #expect(forged.code == 1)
        #expect(forged.output.contains("REFUSED  signature of label-vote does not verify"))
        #expect(try run("@trust.cbor", "--trust", "@trust.cbor", "--register", "@register.cbor").code == 1)
        #expect(try run("@fault.cbor", "--trust", "@trust.cbor", "--register", "@other.cbor").code == 2)
        #expect(try run("@fault.cbor", "--trust", "@trust.cbor", "--register", "@missing").code == 2)
    }
}
