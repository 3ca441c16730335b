// Real agents, run as tasks of the test process, with a few customers each.

import ChainKeys
import EdgeAgent
import Foundation
import Rounds
import SecureAggregation

/// Whether an agent shall stop.
private final class Halt: @unchecked Sendable {
    // Proof for @unchecked Sendable: `halted` is touched only under `lock`.
    private let lock = NSLock()
    private var halted = false
    var isHalted: Bool { lock.withLock { halted } }
    func halt() { lock.withLock { halted = true } }
}

/// The agents of a live chain.
final class AgentFleet {
    let folder: TestFolder
    private let keys: TestKeys
    private var running: [Int: (halt: Halt, task: Task<Void, Never>)] = [:]

    /// Customers of one store.
    static let customersPerStore = 3

    /// A customer's loyalty id: recognisable wherever it turns up.
    static func customer(_ store: Int, _ number: Int) -> String { "CANARY-customer-\(store)-\(number)" }

    /// Writes every store's input: transactions and consent captures. The last customer of each store refuses.
    init(keys: TestKeys = .shared) throws {
        self.keys = keys
        folder = try TestFolder()
        let categories = ["bread", "milk", "soap", "tea"]
        for store in keys.stores.indices {
            for name in ["", "/transactions", "/consent", "/state"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder.path)/store-\(store)\(name)", withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
            }
            var transactions = "customer_id,store_id,timestamp,category,quantity,value\n"
            var captures = "customer_id,act,purposes,captured_at_ms,expires_at_ms,channel,jurisdiction,notice\n"
            let captured = keys.nowMilliseconds - 86_400_000
            let notice = "test-notice:1:\(String(repeating: "ab", count: 32))"
            for number in 0..<Self.customersPerStore {
                let customer = Self.customer(store, number)
                for week in 0..<20 {
                    let time = 1_700_000_000 - Int64(week) * 604_800 - 3_600
                    let category = categories[(week + number + store) % categories.count]
                    transactions += "\(customer),s\(store),\(time),\(category),1,2.50\n"
                }
                captures += "\(customer),enrolled,,\(captured),,kiosk,DE,\(notice)\n"
                let act = number + 1 == Self.customersPerStore ? "refused" : "granted"
                captures += "\(customer),\(act),train.federated,\(captured + 1),,kiosk,DE,\(notice)\n"
            }
            try Data(transactions.utf8).write(to: URL(filePath: input(store, "transactions/sales.csv")))
            try Data(captures.utf8).write(to: URL(filePath: input(store, "consent/first.csv")))
        }
    }

    /// A file of one store's folder.
    func input(_ store: Int, _ name: String) -> String { folder("store-\(store)/\(name)") }

    /// Starts agents; those that run already go on.
    func start(_ stores: some Sequence<Int>, port: UInt16) async throws {
        for store in stores where running[store] == nil {
            var configuration = AgentConfiguration(
                coordinator: "https://127.0.0.1:\(port)", keysDirectory: keys.storeFolder(store).path,
                stateDirectory: input(store, "state"), transactionsDirectory: input(store, "transactions"),
                consentDirectory: input(store, "consent"))
            // The keys are shared by all fleets of this process, the counters are not.
            configuration.bootCounterPath = input(store, "boot-counter")
            configuration.pollMilliseconds = 50
            configuration.replySlotMilliseconds = 200
            configuration.prekeyStock = 2
            let agent = try await EdgeAgent(configuration: configuration)
            let halt = Halt()
            running[store] = (halt, Task { await agent.run(until: { halt.isHalted }) })
        }
    }

    /// Stops agents between two turns.
    func stop(_ stores: some Sequence<Int>) async {
        for store in stores { running[store]?.halt.halt() }
        for store in stores {
            await running[store]?.task.value
            running[store] = nil
        }
    }

    func stopAll() async { await stop(Array(running.keys)) }
}
