// concord-verify with --register: who is to blame, according to one fault file.

import CommandLineKit
import Evidence

enum FaultCheck {
    private struct Verdict: Encodable {
        let proved: Bool
        let accused: String?
        let kind: String?
        let reason: String?
    }

    static func run(_ arguments: Arguments, fault: String, trust: String, register: String) throws -> ExitCode {
        let verifier: FaultVerifier
        do {
            verifier = try FaultVerifier(
                trustFile: try BoundedFile.read(trust), registerFile: try BoundedFile.read(register))
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw CommandFailure("\(trust), \(register): not a trust file and its chain's signed register: \(error)")
        }
        let bytes = try BoundedFile.read(fault)
        let console = arguments.console
        do {
            let judgement = try verifier.verify(bytes: bytes)
            if arguments.wantsJSON {
                try console.printJSON(
                    Verdict(proved: true, accused: judgement.accused, kind: judgement.kind, reason: nil))
            } else {
                console.print(console.styled("PROVED", .green) + "  \(judgement.accused): \(judgement.kind)")
            }
            return .success
        } catch {
            if arguments.wantsJSON {
                try console.printJSON(Verdict(proved: false, accused: nil, kind: nil, reason: "\(error)"))
            } else {
                console.print(console.styled("REFUSED", .red) + "  \(error)")
            }
            return .violation
        }
    }
}
