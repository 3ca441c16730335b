// Another register, as the key procedure has it: replaced in the coordinator's folder between two starts.

import ChainKeys
import Cryptography
import Foundation
import Identity
import SecureAggregation
import Storage
import StrictJSON
import Testing
import WireFormat

@testable import Coordinator

@Suite struct RegisterChangeTests {
    /// The chain's register under the next version, and a copy of the coordinator's folder that has it.
    private static func replaceRegister(
        of chain: DirectChain, in folder: TestFolder
    ) throws -> (register: Register, keys: String) {
        let old = chain.keys.register
        let register = try Register(
            chain: old.chain, version: old.version + 1, nodes: old.nodes, corruptMax: old.corruptMax,
            committee: old.committee, dropoutPermille: old.dropoutPermille)
        let key = try Ed25519PrivateKey(
            SecretFile.read(chain.keys.folder("keys/authority/register.key"), kind: "register.key"))
        let keys = folder("coordinator")
        try FileManager.default.copyItem(atPath: chain.keys.coordinatorFolder, toPath: keys)
        try Data(SignedMessage(signing: register, key: key).encoded())
            .write(to: URL(filePath: "\(keys)/register.cbor"))
        return (register, keys)
    }

    private static func start(_ chain: DirectChain, keys: String) async throws -> CoordinatorService {
        var configuration = DirectChain.configuration(try chain.backup())
        configuration.keysDirectory = keys
        return try await CoordinatorService(configuration: configuration, clock: chain.clock)
    }

    /// The epoch under the old register, closed and days from its end, is over; the next is under the new one.
    @Test func theNextEpochIsUnderTheNewRegister() async throws {
        let chain = try await DirectChain.ready()
        let folder = try TestFolder()
        let (register, keys) = try Self.replaceRegister(of: chain, in: folder)
        let service = try await Self.start(chain, keys: keys)
        let first = try await service.store.transact { state, _ in state.epoch }
        #expect(first?.closed == nil)
        try await service.tick()
        let number = try #require(try await service.store.transact { state, _ in state.epoch?.number })
        #expect(number == (first?.number ?? 0) + 1)
        for node in chain.nodes {
            let hello = EpochHello(
                registerDigest: register.digest, epoch: number, node: node.index,
                agreementKey: try X25519PrivateKey().publicKey)
            let signed = try SignedMessage(signing: hello, key: node.keys.protocolKey)
            try await service.store.transact { state, connection in try state.receive(signed, connection) }
        }
        try await service.tick()
        let root = try #require(try await service.store.transact { state, _ in state.epoch?.closed?.root })
        #expect(root != chain.epoch?.root)
        await service.store.database.close()
    }

    /// A round ends under the register it began under: the coordinator says so and does not start.
    @Test func aRoundUnderWayKeepsItsRegister() async throws {
        let chain = try await DirectChain.ready()
        let folder = try TestFolder()
        let (_, keys) = try Self.replaceRegister(of: chain, in: folder)
        _ = try await chain.openAttempt()
        await #expect(throws: ConfigurationError.self) { _ = try await Self.start(chain, keys: keys) }
    }
}
