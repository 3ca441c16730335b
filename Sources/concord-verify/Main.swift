// The auditor's tool. It links the cores that verify and nothing that stores, serves or connects.

import CommandLineKit

@main
enum ConcordVerifyTool {
    static func main() async { await VerifyCommand.command.main() }
}
