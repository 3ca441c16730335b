// How an agent runs. JSON5 on disk; unknown keys are refused.

import StrictJSON

/// Settings of one store node.
public struct AgentConfiguration: Sendable, Equatable, ConfigurationFile {
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
    /// computation took, so that timing tells nothing about the data; one that is not ready then waits for the next
    /// multiple. Default 10,000.
    public var replySlotMilliseconds: Int?
    /// Unused prekeys to keep at the coordinator. Default 3.
    public var prekeyStock: Int?
    /// Cap on what all jobs together may cost this node's customers, in millionths of zCDP. No cap if left out: each job's
    /// own plan then bounds it.
    public var capMicroZCDP: Int?
    /// Bad rows a transaction file may have. Default 0.
    public var maximumSkippedRows: Int?

    /// The file's keys.
    public enum CodingKeys: CodingKey, CaseIterable {
        case coordinator, keysDirectory, stateDirectory, transactionsDirectory, consentDirectory
        case bootCounterPath, pollMilliseconds, replySlotMilliseconds, prekeyStock, capMicroZCDP, maximumSkippedRows
    }

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

    /// Reads JSON5 and checks the numbers.
    /// - Throws: ``ConfigurationError`` naming the key.
    public init(json5: [UInt8]) throws(ConfigurationError) {
        self = try Self.decoded(json5: json5)
        for (name, value) in [
            ("pollMilliseconds", pollMilliseconds), ("replySlotMilliseconds", replySlotMilliseconds),
        ] {
            if let value, !(1...86_400_000).contains(value) {
                throw ConfigurationError("\(name): expected 1 ... 86400000 milliseconds")
            }
        }
        if let capMicroZCDP, capMicroZCDP < 0 {
            throw ConfigurationError("capMicroZCDP: expected 0 or more")
        }
        if let prekeyStock, !(1...8).contains(prekeyStock) {
            throw ConfigurationError("prekeyStock: expected 1 ... 8")
        }
    }
}
