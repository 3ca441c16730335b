import ChainKeys
import CommandLineKit
import Coordinator

/// `concord keys`: the chain's public-key infrastructure for development.
enum KeysCommand {
    static let command = Command(
        "keys", summary: "Create a development PKI.",
        subcommands: [
            Command(
                "init", summary: "Create CA, register, and keys of every role and store, files of mode 0600.",
                discussion: """
                    Certificates carry SPIFFE ids: spiffe://CHAIN/store/NAME for stores,
                    spiffe://CHAIN/ROLE/ROLE for people. The folder must not exist: keys are
                    never overwritten. For production, see Keys/README.md.
                    """,
                options: [
                    .value(
                        "output", placeholder: "DIR", default: "Keys/development", "folder to create"),
                    .value("chain", placeholder: "DOMAIN", default: "concord.example", "trust domain"),
                    .value("stores", placeholder: "N", default: "24", "number of store nodes"),
                    .value("corrupt", placeholder: "PERMILLE", default: "50", "nodes assumed corrupt, in thousandths"),
                    .value("days", placeholder: "N", default: "30", "validity of certificates"),
                ],
                run: { arguments in
                    let count = try arguments.integer("stores", in: 20...100_000)
                    let folder = try arguments.string("output")
                    var ceremony = KeyCeremony(
                        chain: try arguments.string("chain"), stores: StoreNames.numbered(count),
                        nowMilliseconds: SystemClock().nowMilliseconds())
                    ceremony.corruptPermille = try arguments.integer("corrupt", in: 1...500)
                    ceremony.validityDays = try arguments.integer("days", in: 1...825)
                    do { try ceremony.perform(folder: folder) } catch {
                        throw CommandFailure("keys: \(error)")
                    }
                    arguments.console.print("created \(folder): \(count) stores")
                    return .success
                })
        ])
}
