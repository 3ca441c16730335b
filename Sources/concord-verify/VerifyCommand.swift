// concord-verify: reads the files, lets Evidence judge, prints the verdict.

import CommandLineKit
import Evidence

enum VerifyCommand {
    static let command = Command(
        "concord-verify",
        summary: "Check the evidence about a trained model, offline.",
        discussion: """
            The bundle says which nodes trained a model, under which signed plan, at which state of the
            consent ledger, and what it cost in privacy. Every signature, proof and digest in it is
            checked under the chain's public keys. Get the trust file from the chain's key ceremony, not
            from whoever hands you the bundle.
            """,
        version: "1",
        options: [
            .value("trust", placeholder: "FILE", isRequired: true, "the chain's public keys (trust.cbor)"),
            .value("model", placeholder: "FILE", "the final model file, to check that it is the bundle's"),
            .value(
                "register", placeholder: "FILE",
                "the file to check is evidence of a fault, and this the chain's signed register (register.cbor)"),
            .json,
        ],
        positionals: [.one("bundle", "the evidence bundle (evidence.cbor), or with --register a fault file")],
        exitCodes: [
            (.success, "verified: every check held"),
            (.violation, "a check failed; the message says which"),
            (.failure, "cannot be checked: a file cannot be read, or the trust file is not one"),
        ],
        run: run)

    @Sendable
    private static func run(_ arguments: Arguments) throws -> ExitCode {
        let bundlePath = try arguments.string("bundle")
        let trustPath = try arguments.string("trust")
        if let register = arguments.optionalString("register") {
            return try FaultCheck.run(arguments, fault: bundlePath, trust: trustPath, register: register)
        }
        let verifier = try verifier(trustPath)
        let bundle = try BoundedFile.read(bundlePath)
        let model = try arguments.optionalString("model").map { try BoundedFile.read($0) }
        let console = arguments.console
        do {
            let report = try verifier.verify(bytes: bundle, modelBytes: model)
            if arguments.wantsJSON {
                try console.printJSON(EvidenceVerdict(report))
            } else {
                console.printExactly(ReportText.render(report, console: console))
            }
            return .success
        } catch let error as EvidenceError {
            if arguments.wantsJSON {
                try console.printJSON(EvidenceVerdict(error))
            } else {
                console.print(console.styled("REFUSED", .red) + "  \(error)")
            }
            return .violation
        }
    }

    private static func verifier(_ path: String) throws -> EvidenceVerifier {
        let bytes = try BoundedFile.read(path)
        do {
            return try EvidenceVerifier(trustFile: bytes)
        } catch {
            throw CommandFailure("\(path) is not a trust file: \(error)")
        }
    }
}
