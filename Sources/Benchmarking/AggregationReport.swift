// What a run of the aggregation benchmark found.

import SecureAggregation

/// Figures of one round of secure aggregation, with the floor that raw primitives set on this machine in the same run.
public struct AggregationReport: Sendable, Encodable {
    /// What was asked for.
    public struct Request: Sendable, Encodable {
        /// n.
        public let nodes: Int
        /// d.
        public let dimension: Int
        /// Share of nodes that drop, and that the parameters are designed for.
        public let dropout: Double
        /// C.
        public let corrupt: Int
        /// Coordinates in a 64-bit word.
        public let lanes: Int
        /// What masks are expanded with.
        public let generator: String
        /// Cores used.
        public let workers: Int
        /// Whether chunks are sealed on disk, as a coordinator keeps them.
        public let sealed: Bool
    }

    /// Time of one party beside its floor.
    public struct Cost: Sendable, Encodable {
        /// CPU seconds of all threads.
        public let cpuSeconds: Double
        /// Seconds on the wall.
        public let wallSeconds: Double
        /// CPU seconds that the raw primitives alone take for exactly this work.
        public let floorSeconds: Double
        /// CPU over floor.
        public let ratio: Double
        /// The work of the floor, by primitive.
        public let floor: FloorWork

        init(_ measured: Measurement, floor: FloorWork, at prices: PrimitiveCosts) {
            cpuSeconds = measured.cpuSeconds
            wallSeconds = measured.wallSeconds
            floorSeconds = floor.seconds(at: prices)
            ratio = measured.cpuSeconds / floor.seconds(at: prices)
            self.floor = floor
        }
    }

    /// Bytes of one upload.
    public struct UploadSize: Sendable, Encodable {
        /// Envelope and chunks, as sent.
        public let bytes: Int
        /// Lane bits times d.
        public let minimumBytes: Int
        /// Sent over minimum.
        public let ratio: Double
    }

    /// The parameters of the session.
    public struct Parameters: Sendable, Encodable {
        /// Neighbours of a node in the mask graph.
        public let k: Int
        /// ⌊C/2⌋ on the ring, null for the complete graph.
        public let cHalf: Int?
        /// Committee members.
        public let L: Int
        /// Votes and shares needed.
        public let l: Int
        /// Coordinates in a word.
        public let lanes: Int
        /// Fewest survivors that may be summed.
        public let minAlive: Int

        /// The parameters as JSON, cHalf as null where there is none.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(k, forKey: .k)
            try container.encode(cHalf, forKey: .cHalf)
            try container.encode(L, forKey: .L)
            try container.encode(l, forKey: .l)
            try container.encode(lanes, forKey: .lanes)
            try container.encode(minAlive, forKey: .minAlive)
        }

        private enum CodingKeys: String, CodingKey { case k, cHalf, L, l, lanes, minAlive }

        /// The parameters of a choice, with its packing.
        public init(_ choice: ParameterChoice, lanes: Int) {
            k = choice.neighbours
            cHalf = choice.corruptHalf
            L = choice.committeeSize
            l = choice.quorum
            self.lanes = lanes
            minAlive = choice.minAlive
        }
    }

    /// One step of the round, all parties of it together.
    public struct Phase: Sendable, Encodable {
        /// What was done.
        public let name: String
        /// By whom: client, server, intake (of the server) or committee.
        public let party: String
        /// How many did it.
        public let count: Int
        /// CPU seconds of all of them together.
        public let cpuSeconds: Double
        /// Seconds on the wall, of all of them together.
        public let wallSeconds: Double
        /// Resident memory of the process afterwards.
        public let residentBytes: Int
    }

    /// What was asked for.
    public let request: Request
    /// The session's parameters.
    public let parameters: Parameters
    /// One survivor's online work: check the offer, pack, mask, deal shares, hash and sign. The mean of all.
    public let client: Cost
    /// The coordinator's unmasking: join shares, derive masks, fold uploads, remove masks, decode.
    public let server: Cost
    /// The same with one worker, for the scaling; nil if there is only one.
    public let serverOnOneCore: Cost?
    /// What the protocol made the coordinator compute, CPU seconds: prekeys and offers, uploads, label, shares, unmasking. Neither
    /// hashing nor sealing of uploads.
    public let serverTotalCPUSeconds: Double
    /// What a coordinator does besides when uploads come, CPU seconds: every chunk hashed against its digest, and sealed for the
    /// disk. Without the disk itself.
    public let serverIntakeCPUSeconds: Double
    /// One committee member's work for a round, the first of its epoch: check and vote, check and open shares. The mean of all
    /// who answered. Without the checks of shares as they come, which are a phase of their own.
    public let committee: Cost
    /// Bytes of one upload.
    public let upload: UploadSize
    /// Most resident memory of the process, every party of the round included.
    public let peakMemoryBytes: Int
    /// Most resident memory while unmasking, with all that the coordinator holds of the session, beyond what the process took
    /// before it knew the round. Every party's keys are in it too: one process plays all.
    public let serverMemoryBytes: Int
    /// Whether the sum that came out is the sum of the survivors' vectors.
    public let sumCorrect: Bool
    /// Survivors.
    public let survivors: Int
    /// Masks that were expanded to unmask.
    public let masks: Int
    /// Every step.
    public let phases: [Phase]
    /// Unit prices with one core busy, for unmasking on one core.
    public let primitivesOneCore: PrimitiveCosts
    /// Unit prices with all cores busy, as they are in every other step.
    public let primitivesAllCores: PrimitiveCosts
}

/// How many units of each raw primitive some work cannot do without.
public struct FloorWork: Sendable, Encodable {
    /// Bytes of the generator's keystream.
    public var keystreamBytes = 0
    /// Bytes opened with AES-256-GCM: chunks sealed on disk.
    public var aesGCMBytes = 0
    /// X25519 agreements.
    public var x25519 = 0
    /// Ed25519 signatures made.
    public var ed25519Signs = 0
    /// Ed25519 signatures verified.
    public var ed25519Verifications = 0
    /// Bytes of masks added to words in cache.
    public var cachedAddBytes = 0
    /// Bytes of uploads added from memory.
    public var memoryAddBytes = 0

    /// CPU seconds at `prices`.
    public func seconds(at prices: PrimitiveCosts) -> Double {
        var seconds = Double(keystreamBytes) * prices.keystreamByte
        seconds += Double(aesGCMBytes) * prices.aesGCMByte
        seconds += Double(x25519) * prices.x25519
        seconds += Double(ed25519Signs) * prices.ed25519Sign
        seconds += Double(ed25519Verifications) * prices.ed25519Verify
        seconds += Double(cachedAddBytes) * prices.cachedAddByte
        seconds += Double(memoryAddBytes) * prices.memoryAddByte
        return seconds
    }
}
