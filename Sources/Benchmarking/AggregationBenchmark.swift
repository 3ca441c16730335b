// One round of secure aggregation in one process: the production state machines with real cryptography, no network. Each
// party's work is timed by itself and set beside what the raw primitives alone would take.

import Cryptography
import SecureAggregation
import Vectors
import WireFormat

/// A round to be timed.
public struct AggregationBenchmark: Sendable {
    private let choice: ParameterChoice
    private let layout: LaneLayout
    private let generator: KeystreamCipher
    private let vectors: BenchmarkVectors
    private let dropped: Set<NodeIndex>
    private let workers: Int
    private let sealed: Bool
    private let folder: String
    private let dropout: Double

    /// Plans a round.
    /// - Parameters:
    ///   - nodes: n, all registered.
    ///   - dimension: d, 1 or more.
    ///   - dropoutPermille: δ, in thousandths: the parameters are designed for it and ⌊δn⌋ nodes drop.
    ///   - corrupt: C.
    ///   - layout: how coordinates are packed.
    ///   - generator: what masks are expanded with.
    ///   - workers: cores to use.
    ///   - sealed: whether chunks lie sealed on disk, as a coordinator keeps them.
    ///   - folder: where the chunks go.
    /// - Throws: ``SecureAggregationError/infeasible(_:)`` or ``BenchmarkError/request(_:)`` naming what cannot be met.
    public init(
        nodes: Int, dimension: Int, dropoutPermille: Int, corrupt: Int, layout: LaneLayout,
        generator: KeystreamCipher, workers: Int, sealed: Bool, folder: String
    ) throws {
        choice = try ParameterChoice(
            registered: nodes, cohort: nodes, corruptMax: corrupt, dropoutPermille: dropoutPermille)
        guard let vectors = BenchmarkVectors(dimension: dimension, layout: layout, nodes: nodes) else {
            throw BenchmarkError.request(
                "lanes: a sum over \(nodes) nodes does not fit \(layout.bits) bits; fewer lanes are wider")
        }
        self.vectors = vectors
        self.layout = layout
        self.generator = generator
        self.workers = max(1, workers)
        self.sealed = sealed
        self.folder = folder
        dropout = Double(dropoutPermille) / 1000
        // Spread over the roster by a fixed permutation: the same nodes in every run.
        let count = nodes * dropoutPermille / 1000
        var random = try KeyedRandomGenerator(key: SecretBytes(copying: [UInt8](repeating: 0x5e, count: 32)))
        var order = (0..<NodeIndex(nodes)).map { $0 }
        for index in 0..<count {
            order.swapAt(index, index + Int(random.uniform(below: UInt64(nodes - index))))
        }
        dropped = Set(order.prefix(count))
    }

    /// Runs the round.
    /// - Parameter progress: called with a line about the work under way.
    /// - Throws: ``SecureAggregationError`` if the round fails, ``BenchmarkError`` if the disk does.
    public func run(progress: (String) -> Void) async throws -> AggregationReport {
        let chunks = try ChunkFolder(in: folder, sealed: sealed)
        defer { chunks.remove() }
        let idle = ResidentMemory.current
        var phases = PhaseLog()

        let (session, client, member) = try await collect(into: chunks, &phases, progress)

        progress("unmask: \(session.survivors?.survivorCount ?? 0) uploads")
        let before = try await PrimitiveCosts.measure(generator, workers: workers)
        ResidentMemory.resetPeak()
        let (opened, unmasking) = try await Stopwatch.process {
            try await open(session, chunks: chunks, workers: workers)
        }
        let serverMemory = ResidentMemory.peak - idle
        let after = try await PrimitiveCosts.measure(generator, workers: workers)
        phases.add("unmask", party: "server", count: 1, unmasking)
        var oneCore: (Measurement, PrimitiveCosts)?
        if workers > 1 {
            progress("unmask again, on one core")
            let prices = try await PrimitiveCosts.measure(generator, workers: 1)
            let (_, again) = try await Stopwatch.process { try await open(session, chunks: chunks, workers: 1) }
            oneCore = (again, prices)
        }
        progress("check the sum")
        let survivors = session.roster.entries.map(\.node).filter { !dropped.contains($0) }
        let oneCorePrices = oneCore?.1 ?? before
        return AggregationReport(
            request: .init(
                nodes: choice.cohort, dimension: vectors.dimension, dropout: dropout, corrupt: choice.corruptMax,
                lanes: layout.lanes, generator: "\(generator)", workers: workers, sealed: sealed),
            parameters: .init(choice, lanes: layout.lanes),
            client: .init(client.mean, floor: clientFloor, at: client.prices),
            server: .init(unmasking, floor: serverFloor(opened.plan), at: .mean(before, after)),
            serverOnOneCore: oneCore.map { .init($0.0, floor: serverFloor(opened.plan), at: $0.1) },
            serverTotalCPUSeconds: phases.cpuSeconds(of: "server"),
            serverIntakeCPUSeconds: phases.cpuSeconds(of: "intake"),
            committee: .init(member.mean, floor: memberFloor, at: member.prices),
            upload: uploadSize(envelopeBytes: client.envelopeBytes), peakMemoryBytes: phases.peakMemoryBytes,
            serverMemoryBytes: serverMemory, sumCorrect: vectors.isSum(opened.sum, of: survivors),
            survivors: survivors.count, masks: opened.plan.maskCount, phases: phases.phases,
            primitivesOneCore: oneCorePrices, primitivesAllCores: .mean(before, after))
    }

    // MARK: Steps

    private struct PartyCost {
        let mean: Measurement
        let prices: PrimitiveCosts
        var envelopeBytes = 0
    }

    /// Everything up to the last share. The nodes and their keys are gone when it returns: what is left is the coordinator's.
    private func collect(
        into chunks: ChunkFolder, _ phases: inout PhaseLog, _ progress: (String) -> Void
    ) async throws -> (session: CoordinatorSession, client: PartyCost, member: PartyCost) {
        progress("keys and register of \(choice.cohort) nodes")
        let parties = try BenchmarkCohort(
            choice: choice, dimension: vectors.dimension, layout: layout, generator: generator)
        progress("prekeys, dealt to \(choice.committeeSize) members each")
        var prekeys = try await phases.eachNode(
            "deal a prekey", party: "client", parties.register.nodes.map(\.index), workers: workers
        ) { node in try parties.prekey(of: node) }
        // As they arrive: the coordinator's copies are its own, and outlive the dealers'.
        let messages = prekeys.map { $0.bundle.encoded() }
        var session = try phases.one("verify prekeys, open the session", party: "server") {
            let roster = try Roster(
                prekeys.enumerated().map {
                    RosterEntry(
                        node: NodeIndex($0.offset), sequence: $0.element.sequence,
                        prekeyDigest: $0.element.bundle.prekey.body.digest)
                })
            return try CoordinatorSession(
                parameters: parties.parameters(roster: roster), roster: roster,
                prekeys: try messages.map { try PrekeyBundle(decoding: $0) }, register: parties.register,
                epoch: parties.epoch)
        }

        let client = try await upload(parties, prekeys: prekeys, session: &session, chunks: chunks, &phases, progress)
        prekeys = []
        let member = try await certifyAndReveal(parties, session: &session, &phases, progress)
        return (session, client, member)
    }

    private func upload(
        _ parties: BenchmarkCohort, prekeys: [PreparedPrekey], session: inout CoordinatorSession, chunks: ChunkFolder,
        _ phases: inout PhaseLog, _ progress: (String) -> Void
    ) async throws -> PartyCost {
        let alive = parties.register.nodes.map(\.index).filter { !dropped.contains($0) }
        let before = try await PrimitiveCosts.measure(generator, workers: workers)
        let shared = session
        var offering = Measurement.zero
        var receiving = Measurement.zero
        var hashing = Measurement.zero
        var sealing = Measurement.zero
        let sealingKey = try SecretBytes.random(count: 32)
        var envelopeBytes = 0
        var total = Measurement.zero
        let context = parties.context
        for start in stride(from: 0, to: alive.count, by: 50) {
            progress("uploads: \(start) of \(alive.count)")
            let batch = Array(alive[start..<min(start + 50, alive.count)])
            let envelopes = try await concurrentMap(batch, workers: workers) { node in
                let (offer, offered) = Stopwatch.thread { shared.offer(for: node)?.encoded() }
                guard let offer else { throw BenchmarkError.request("offer") }
                let values = vectors.vector(of: node)
                let ((upload, envelope), measured) = try Stopwatch.thread {
                    let upload = try mask(
                        values, node: node, offer: try RoundOffer(decoding: offer), keys: parties.keys[Int(node)],
                        prekey: prekeys[Int(node)], context: context)
                    return (upload, upload.envelope.encoded())
                }
                let (hashed, sealed) = try intake(upload, sealingKey: sealingKey)
                try await chunks.write(upload.words, digests: upload.envelope.chunkDigests, position: Int(node))
                return (envelope, measured, offered, hashed, sealed)
            }
            for (envelope, measured, offered, hashed, sealed) in envelopes {
                total += measured
                offering += offered
                hashing += hashed
                sealing += sealed
                envelopeBytes = max(envelopeBytes, envelope.count)
                receiving += try Stopwatch.thread {
                    _ = try session.receive(try UploadEnvelope(decoding: envelope))
                }.1
            }
        }
        phases.add("make offers", party: "server", count: alive.count, offering)
        phases.add("check, mask, deal, sign", party: "client", count: alive.count, total)
        phases.add("verify uploads", party: "server", count: alive.count, receiving)
        phases.add("hash chunks", party: "intake", count: alive.count, hashing)
        phases.add("seal chunks", party: "intake", count: alive.count, sealing)
        try await checkShares(parties, prekeys: prekeys, session: session, &phases, progress)
        let after = try await PrimitiveCosts.measure(generator, workers: workers)
        return PartyCost(
            mean: total.divided(by: alive.count), prices: .mean(before, after), envelopeBytes: envelopeBytes)
    }

    /// What the coordinator does with the chunks of an upload before it acknowledges them.
    private func intake(
        _ upload: MaskedUpload, sealingKey: SecretBytes
    ) throws -> (hashed: Measurement, sealed: Measurement) {
        var hashed = Measurement.zero
        var sealed = Measurement.zero
        for (index, digest) in upload.envelope.chunkDigests.enumerated() {
            let bytes = VectorChunks.encode(upload.words[VectorChunks.range(index, wordCount: upload.words.count)])
            let (holds, hashing) = Stopwatch.thread { SHA256.hash(bytes) == digest }
            guard holds else { throw BenchmarkError.request("chunk digest") }
            hashed += hashing
            let content = SecretBytes(copying: bytes)
            sealed += try Stopwatch.thread {
                _ = try AESGCM.seal(
                    content, key: sealingKey, nonce: [UInt8](repeating: 1, count: AESGCM.nonceByteCount),
                    authenticating: [])
            }.1
        }
        return (hashed, sealed)
    }

    /// C0: members look at every prekey and upload as they come. A few members are timed, with keys that agreed with nobody
    /// before, and stand for all.
    private func checkShares(
        _ parties: BenchmarkCohort, prekeys: [PreparedPrekey], session: CoordinatorSession, _ phases: inout PhaseLog,
        _ progress: (String) -> Void
    ) async throws {
        let members = parties.register.committee.filter { !dropped.contains($0) }
        let sample = Array(members.prefix(4))
        progress("share checks of \(sample.count) of \(members.count) members")
        let reports = try await concurrentMap(sample, workers: workers) { member in
            guard let seat = CommitteeMember(node: member, register: parties.register),
                let holder = parties.register.committeePosition(of: member)
            else { throw BenchmarkError.request("seat") }
            var items: [ShownShare] = []
            for (position, prekey) in prekeys.enumerated() {
                guard let opening = prekey.bundle.shares.opening(of: holder) else { continue }
                items.append(ShownShare(deal: Deal(prekey: prekey.bundle.prekey), opening: opening))
                if let item = session.shareCheck(position: position, holder: holder) { items.append(item) }
            }
            let checks = ShareChecks(
                epochRoot: parties.epoch.root, sessions: [session.parameters.body], items: items)
            let own = parties.keys[Int(member)]
            let fresh = try X25519PrivateKey(own.agreementKey.rawRepresentation)
            return try Stopwatch.thread {
                try SignedMessage(
                    signing: try seat.decideReport(
                        checks, register: parties.register, epoch: parties.epoch, agreementKey: fresh),
                    key: own.protocolKey)
            }
        }
        guard reports.allSatisfy({ $0.0.body.results.allSatisfy(\.isValid) }) else {
            throw BenchmarkError.request("share checks")
        }
        let mean = reports.reduce(Measurement.zero) { $0 + $1.1 }.divided(by: reports.count)
        phases.add(
            "check shares as they come, as \(sample.count) members did", party: "committee", count: members.count,
            mean.multiplied(by: members.count))
    }

    private func mask(
        _ values: [Int64], node: NodeIndex, offer: RoundOffer, keys: NodeKeys, prekey: PreparedPrekey,
        context: SessionContext
    ) throws -> MaskedUpload {
        let accepted = try AcceptedOffer(
            checking: offer, node: node, context: context, earlierEpochRoot: nil,
            ownPrekeyDigest: { $0 == prekey.sequence ? prekey.bundle.prekey.body.digest : nil })
        var machine = NodeSession(offer: accepted, node: node)
        _ = try machine.start()
        _ = try machine.budgetCharged(1)
        _ = try machine.sequenceBurned()
        let action = try machine.vectorReady(
            layout.pack(values), keys: keys, prekey: prekey.privateKey, context: context, random: SystemRandomSource())
        guard case .storeUpload(let upload) = action else { throw BenchmarkError.request("upload") }
        return upload
    }

    private func certifyAndReveal(
        _ parties: BenchmarkCohort, session: inout CoordinatorSession, _ phases: inout PhaseLog,
        _ progress: (String) -> Void
    ) async throws -> PartyCost {
        let members = Array(
            parties.register.committee.filter { !dropped.contains($0) }.prefix(parties.choice.quorum))
        guard members.count == parties.choice.quorum else {
            throw BenchmarkError.request(
                "dropout: \(members.count) committee members stayed, \(parties.choice.quorum) are needed")
        }
        let before = try await PrimitiveCosts.measure(generator, workers: workers)
        let context = parties.context
        var server = try Stopwatch.thread { _ = try session.closeUploads() }.1
        guard let proposal = session.labelProposal else { throw BenchmarkError.request("proposal") }
        progress("votes of \(members.count) members")
        let votes = try await concurrentMap(members, workers: workers) { member in
            try Stopwatch.thread {
                guard let seat = CommitteeMember(node: member, register: parties.register) else {
                    throw BenchmarkError.request("seat")
                }
                let decision = try seat.decideVote(proposal, locks: CommitteeLocks(), context: context)
                return try SignedMessage(signing: decision.answer, key: parties.keys[Int(member)].protocolKey)
            }
        }
        var total = Measurement.zero
        for (vote, measured) in votes {
            total += measured
            server += try Stopwatch.thread { _ = try session.receive(vote) }.1
        }
        phases.add("check and vote", party: "committee", count: members.count, total)
        var opening = Measurement.zero
        for start in stride(from: 0, to: members.count, by: 2 * workers) {
            progress("shares: \(start) of \(members.count) members")
            let shared = session
            let batch = Array(members[start..<min(start + 2 * workers, members.count)])
            let reveals = try await concurrentMap(batch, workers: workers) { member in
                let (request, asking) = Stopwatch.thread { shared.revealRequest(for: member) }
                // The member's key has agreed with other members when it dealt: one that has not makes every agreement here.
                let fresh = try X25519PrivateKey(parties.keys[Int(member)].agreementKey.rawRepresentation)
                let (reveal, measured) = try Stopwatch.thread {
                    guard let seat = CommitteeMember(node: member, register: parties.register), let request else {
                        throw BenchmarkError.request("seat")
                    }
                    let own = parties.keys[Int(member)]
                    let decision = try seat.decideReveal(
                        request, parameters: shared.parameters, roster: shared.roster, locks: CommitteeLocks(),
                        agreementKey: fresh, context: context)
                    return try SignedMessage(signing: decision.answer, key: own.protocolKey)
                }
                return (reveal, measured, asking)
            }
            for (reveal, measured, asking) in reveals {
                opening += measured
                server += asking
                server += try Stopwatch.thread { _ = try session.receive(reveal) }.1
            }
        }
        phases.add("check and open shares", party: "committee", count: members.count, opening)
        phases.add("label, certify, check shares", party: "server", count: 1, server)
        let after = try await PrimitiveCosts.measure(generator, workers: workers)
        return PartyCost(mean: (total + opening).divided(by: members.count), prices: .mean(before, after))
    }

    private func open(
        _ session: CoordinatorSession, chunks: ChunkFolder, workers: Int
    ) async throws -> (plan: UnmaskPlan, sum: [Int64]) {
        let plan = try session.unmaskPlan()
        let words = try await plan.openSum(workers: workers) { position, chunk, take in
            try await chunks.read(position: position, chunk: chunk, take)
        }
        return (plan, try layout.unpackSum(words, dimension: vectors.dimension))
    }

    // MARK: Floors

    private var vectorBytes: Int { layout.wordCount(dimension: vectors.dimension) * 8 }

    /// k + 1 masks expanded and added; k agreements; k prekeys and the offer verified, one signature. The agreements with the
    /// committee are the epoch's and not the round's.
    private var clientFloor: FloorWork {
        var floor = FloorWork()
        floor.keystreamBytes = (choice.neighbours + 1) * vectorBytes
        floor.cachedAddBytes = floor.keystreamBytes
        floor.x25519 = choice.neighbours
        floor.ed25519Verifications = choice.neighbours + 1
        floor.ed25519Signs = 1
        return floor
    }

    /// One mask a survivor and one a pair of a dropped node and a surviving neighbour, expanded and added; an agreement for
    /// each pair; every upload added once.
    private func serverFloor(_ plan: UnmaskPlan) -> FloorWork {
        var floor = FloorWork()
        floor.keystreamBytes = plan.maskCount * vectorBytes
        floor.cachedAddBytes = floor.keystreamBytes
        floor.x25519 = plan.pairMaskCount
        floor.memoryAddBytes = plan.survivorPositions.count * vectorBytes
        if sealed { floor.aesGCMBytes = floor.memoryAddBytes }
        return floor
    }

    /// An agreement with every dealer, once an epoch; what every dealer signed, two offers and a quorum of votes verified; two signatures.
    private var memberFloor: FloorWork {
        var floor = FloorWork()
        floor.x25519 = choice.cohort
        floor.ed25519Verifications = choice.cohort + choice.quorum + 2
        floor.ed25519Signs = 2
        return floor
    }

    private func uploadSize(envelopeBytes: Int) -> AggregationReport.UploadSize {
        let minimum = (layout.bits * vectors.dimension + 7) / 8
        let bytes = envelopeBytes + vectorBytes
        return .init(bytes: bytes, minimumBytes: minimum, ratio: Double(bytes) / Double(minimum))
    }
}
