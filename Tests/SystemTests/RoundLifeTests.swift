// The life of a round at the coordinator: what is stored when, what a crash changes (nothing), and what is spent.

import Cryptography
import DifferentialPrivacy
import Foundation
import HTTPServer
import Rounds
import SecureAggregation
import Testing

@testable import Coordinator

@Suite struct RoundLifeTests {
    @Test func wholeRounds() async throws {
        let chain = try await DirectChain()
        try await chain.enlist()
        try await chain.startTask()
        try await chain.round()
        try await chain.round(0..<20)
        #expect(try await chain.attemptStates() == ["released", "released"])
        #expect(try await chain.sums() == [chain.expectedSum(0..<24), chain.expectedSum(0..<20)])
    }
}
