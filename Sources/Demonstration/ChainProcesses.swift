// The running chain: one coordinator, one agent a store, their folders and their memory.

import ChainKeys
import FoundationEssentials
import Glibc

/// All processes of a demonstration.
final class ChainProcesses {
    let work: String
    let keys: String
    let stores: [String]
    private let binaries: String
    private(set) var port = 0
    private var coordinator: ChildProcess?
    private var agents: [ChildProcess?]
    private(set) var peakMemoryBytes = 0

    init(work: String, keys: String, stores: [String]) throws {
        self.work = work
        self.keys = keys
        self.stores = stores
        agents = Array(repeating: nil, count: stores.count)
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        guard count > 0 else { throw DemonstrationFailure("cannot find the program's own folder") }
        let own = String(decoding: path.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        binaries = own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }

    func folder(_ store: Int) -> String { "\(work)/stores/\(stores[store])" }

    /// Writes every agent's configuration, once the coordinator's port is known.
    func configureAgents() throws {
        for (index, store) in stores.enumerated() {
            // Slots differ, as stores' machines do: uploads arrive spread over a second.
            let slot = 500 + (index * 37) % 1_000
            let text = """
                {
                  coordinator: "https://127.0.0.1:\(port)",
                  keysDirectory: "\(keys)/stores/\(store)",
                  stateDirectory: "\(folder(index))/state",
                  transactionsDirectory: "\(folder(index))/transactions",
                  consentDirectory: "\(folder(index))/consent",
                  pollMilliseconds: 200,
                  replySlotMilliseconds: \(slot),
                }
                """
            try Data(text.utf8).write(to: URL(filePath: "\(folder(index))/agent.json5"))
        }
    }

    /// Starts the coordinator; after the first time on the same port, which agents know.
    func startCoordinator() async throws {
        let announce = "\(work)/coordinator/announce.json"
        try? FileManager.default.removeItem(atPath: announce)
        let text = """
            {
              dataDirectory: "\(work)/coordinator/data",
              keysDirectory: "\(keys)/coordinator",
              port: \(port),
              healthPort: 0,
              collectingMilliseconds: 6000,
              labellingMilliseconds: 60000,
              revealingMilliseconds: 60000,
              pollMilliseconds: 200,
              livenessMilliseconds: 3000,
              openPatienceMilliseconds: 3000,
              helloPatienceMilliseconds: 120000,
            }
            """
        try Data(text.utf8).write(to: URL(filePath: "\(work)/coordinator/coordinator.json5"))
        coordinator = try ChildProcess(
            program: "\(binaries)/concord",
            arguments: ["serve", "--config", "\(work)/coordinator/coordinator.json5", "--announce", announce],
            log: "\(work)/logs/coordinator.log")
        struct Announcement: Decodable {
            let port: Int
        }
        for _ in 0..<600 {
            if let data = try? Data(contentsOf: URL(filePath: announce)),
                let announcement = try? JSONDecoder().decode(Announcement.self, from: data)
            {
                port = announcement.port
                return
            }
            guard coordinator?.isRunning == true else { break }
            try await Task.sleep(for: .milliseconds(25))
        }
        throw DemonstrationFailure("the coordinator did not start; see \(work)/logs/coordinator.log")
    }

    func killCoordinator() { coordinator?.killNow() }

    func startAgent(_ store: Int) throws {
        agents[store] = try ChildProcess(
            program: "\(binaries)/concord-agent", arguments: ["run", "--config", "\(folder(store))/agent.json5"],
            log: "\(work)/logs/\(stores[store]).log")
    }

    func killAgent(_ store: Int) { agents[store]?.killNow() }

    /// A stopped store's answer about one customer's absence from a round.
    func auditAnswer(store: Int, job: String, round: Int, customer: String) async throws -> [UInt8] {
        let output = "\(work)/absence-\(round).cbor"
        let process = try ChildProcess(
            program: "\(binaries)/concord-agent",
            arguments: [
                "audit", "--config", "\(folder(store))/agent.json5", "--job", job, "--round", String(round),
                "--customer", customer, "--output", output,
            ], log: "\(work)/logs/audit.log")
        for _ in 0..<500 where process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
        guard let data = try? Data(contentsOf: URL(filePath: output)) else {
            throw DemonstrationFailure("the store gave no answer; see \(work)/logs/audit.log")
        }
        return [UInt8](data)
    }

    /// What every process still alive takes together, remembered as the peak.
    func measureMemory() {
        var total = ChildProcess.ownMemoryBytes
        for process in agents + [coordinator] { total += process?.memoryBytes ?? 0 }
        peakMemoryBytes = max(peakMemoryBytes, total)
    }

    func stopAgents() async {
        for agent in agents { agent?.requestStop() }
        for agent in agents { await agent?.stop(withinSeconds: 10) }
    }

    func stopAll() async {
        await stopAgents()
        await coordinator?.stop(withinSeconds: 20)
    }
}
