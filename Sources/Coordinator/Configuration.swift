// How a coordinator runs. JSON5 on disk; unknown keys are refused.

import Rounds
import StrictJSON

/// Settings of one coordinator.
public struct CoordinatorConfiguration: Sendable, Equatable {
    /// Folder of the database, the blobs and the log; created with mode 0700.
    public var dataDirectory: String
    /// File for a second copy of the newest signed head, best on another disk: a database restored from a backup is found
    /// to be behind it. nil puts it into the data directory.
    public var signedHeadPath: String? = nil
    /// Folder with the coordinator's keys and the trust anchors.
    public var keysDirectory: String
    /// IP address to listen on.
    public var address = "127.0.0.1"
    /// TCP port; 0 takes a free one.
    public var port: UInt16 = 0
    /// TCP port of the plain loopback listener for health and metrics; nil for none, 0 for a free one.
    public var healthPort: UInt16? = nil
    /// How long uploads, votes and reveals are waited for.
    public var deadlines = AttemptDeadlines.standard
    /// When nodes are told to ask again, in milliseconds, while nothing is going on.
    public var pollMilliseconds: Int64 = 5_000
    /// A node that asked for work within this many milliseconds is offered rounds.
    public var livenessMilliseconds: Int64 = 30_000
    /// How long opening a round waits for live nodes without prekeys.
    public var openPatienceMilliseconds: Int64 = 10_000
    /// How long an epoch lasts.
    public var epochMilliseconds: Int64 = 7 * 86_400_000
    /// An epoch closes when every registered node said hello, or a quorum did and this much time has passed.
    public var helloPatienceMilliseconds: Int64 = 60_000

    /// Standard settings in the given folders.
    public init(dataDirectory: String, keysDirectory: String) {
        self.dataDirectory = dataDirectory
        self.keysDirectory = keysDirectory
    }

    private struct File: ConfigurationFile {
        var dataDirectory: String
        var keysDirectory: String
        var signedHeadPath: String?
        var address: String?
        var port: UInt16?
        var healthPort: UInt16?
        var collectingMilliseconds: Int64?
        var labellingMilliseconds: Int64?
        var revealingMilliseconds: Int64?
        var pollMilliseconds: Int64?
        var livenessMilliseconds: Int64?
        var openPatienceMilliseconds: Int64?
        var epochMilliseconds: Int64?
        var helloPatienceMilliseconds: Int64?

        enum CodingKeys: CodingKey, CaseIterable {
            case dataDirectory, keysDirectory, signedHeadPath, address, port, healthPort, collectingMilliseconds
            case labellingMilliseconds, revealingMilliseconds, pollMilliseconds, livenessMilliseconds
            case openPatienceMilliseconds, epochMilliseconds, helloPatienceMilliseconds
        }
    }

    /// Reads JSON5.
    /// - Throws: ``ConfigurationError`` naming the key.
    public init(json5: [UInt8]) throws(ConfigurationError) {
        let file = try File.decoded(json5: json5)
        self.init(dataDirectory: file.dataDirectory, keysDirectory: file.keysDirectory)
        signedHeadPath = file.signedHeadPath
        address = file.address ?? address
        port = file.port ?? port
        healthPort = file.healthPort
        deadlines = AttemptDeadlines(
            collecting: try Self.positive(file.collectingMilliseconds, "collectingMilliseconds", deadlines.collecting),
            labelling: try Self.positive(file.labellingMilliseconds, "labellingMilliseconds", deadlines.labelling),
            revealing: try Self.positive(file.revealingMilliseconds, "revealingMilliseconds", deadlines.revealing))
        pollMilliseconds = try Self.positive(file.pollMilliseconds, "pollMilliseconds", pollMilliseconds)
        livenessMilliseconds = try Self.positive(
            file.livenessMilliseconds, "livenessMilliseconds", livenessMilliseconds)
        openPatienceMilliseconds = try Self.positive(
            file.openPatienceMilliseconds, "openPatienceMilliseconds", openPatienceMilliseconds)
        epochMilliseconds = try Self.positive(file.epochMilliseconds, "epochMilliseconds", epochMilliseconds)
        helloPatienceMilliseconds = try Self.positive(
            file.helloPatienceMilliseconds, "helloPatienceMilliseconds", helloPatienceMilliseconds)
    }

    private static func positive(
        _ value: Int64?, _ name: String, _ standard: Int64
    ) throws(ConfigurationError) -> Int64 {
        let value = value ?? standard
        guard (1...365 * 86_400_000).contains(value) else {
            throw ConfigurationError("\(name): expected 1 ... 31536000000 milliseconds")
        }
        return value
    }
}
