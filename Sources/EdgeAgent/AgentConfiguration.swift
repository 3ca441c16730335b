// How an agent runs. JSON5 on disk; unknown keys are refused.

import FoundationEssentials

/// A configuration that cannot be used; names the key and what was expected.
public struct AgentConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Safe to log: carries no secret.
    public let description: String
    init(_ description: String) { self.description = "configuration: \(description)" }
}

/// Settings of one store node.
public struct AgentConfiguration: Sendable, Equatable, Codable {
    /// `https://host:port` of the coordinator.
    public var coordinator: String
    /// Folder with this store's keys and the trust anchors.
    public var keysDirectory: String
    /// Folder of the agent's own state: prekeys, locks, charges. Mode 0700, in no backup.
    public var stateDirectory: String
    /// Folder of transaction files (`*.csv`, the general schema).
    public var transactionsDirectory: String
    /// Folder where consent captures arrive (`*.csv`).
    public var consentDirectory: String
    /// File of the boot counter, which tells whether the state folder was restored from a copy. It must not be restored
    /// together with that folder. `boot-counter` in the key folder if left out.
    public var bootCounterPath: String?
    /// Asks for work at least this often, in milliseconds, whatever the coordinator says. Default 5,000.
    public var pollMilliseconds: Int?
    /// The reply slot, in milliseconds: an upload starts this long after its offer was accepted, however long the
    /// computation took, so that timing tells nothing about the data. Default 10,000.
    public var replySlotMilliseconds: Int?
    /// Unused prekeys to keep at the coordinator. Default 3.
    public var prekeyStock: Int?
    /// Cap on what all jobs together may cost this node's customers, in millionths of zCDP. No cap if left out: each job's
    /// own plan then bounds it.
    public var capMicroZCDP: Int?
    /// Bad rows a transaction file may have. Default 0.
    public var maximumSkippedRows: Int?

    private static let keys: Set<String> = [
        "coordinator", "keysDirectory", "stateDirectory", "transactionsDirectory", "consentDirectory",
        "bootCounterPath", "pollMilliseconds", "replySlotMilliseconds", "prekeyStock", "capMicroZCDP",
        "maximumSkippedRows",
    ]

    /// Collects settings.
    public init(
        coordinator: String, keysDirectory: String, stateDirectory: String, transactionsDirectory: String,
        consentDirectory: String
    ) {
        self.coordinator = coordinator
        self.keysDirectory = keysDirectory
        self.stateDirectory = stateDirectory
        self.transactionsDirectory = transactionsDirectory
        self.consentDirectory = consentDirectory
    }

    /// Where the boot counter is.
    var counterPath: String { bootCounterPath ?? "\(keysDirectory)/boot-counter" }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private struct Keys: Decodable {
        let names: Set<String>
        init(from decoder: any Decoder) throws {
            names = Set(try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue))
        }
    }

    /// Reads JSON5.
    /// - Throws: ``AgentConfigurationError`` naming the key.
    public init(json5: [UInt8]) throws(AgentConfigurationError) {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        do {
            let names = try decoder.decode(Keys.self, from: Data(json5)).names
            if let unknown = names.subtracting(Self.keys).sorted().first {
                throw AgentConfigurationError("unknown key \(unknown)")
            }
            self = try decoder.decode(AgentConfiguration.self, from: Data(json5))
        } catch let error as AgentConfigurationError {
            throw error
        } catch DecodingError.keyNotFound(let key, _) {
            throw AgentConfigurationError("\(key.stringValue) is missing")
        } catch DecodingError.typeMismatch(_, let context) {
            throw AgentConfigurationError("\(context.codingPath.last?.stringValue ?? "file") has the wrong type")
        } catch {
            throw AgentConfigurationError("not JSON5")
        }
        for (name, value) in [
            ("pollMilliseconds", pollMilliseconds), ("replySlotMilliseconds", replySlotMilliseconds),
        ] {
            if let value, !(1...86_400_000).contains(value) {
                throw AgentConfigurationError("\(name): expected 1 ... 86400000 milliseconds")
            }
        }
        if let capMicroZCDP, capMicroZCDP < 0 {
            throw AgentConfigurationError("capMicroZCDP: expected 0 or more")
        }
        if let prekeyStock, !(1...8).contains(prekeyStock) {
            throw AgentConfigurationError("prekeyStock: expected 1 ... 8")
        }
    }
}
