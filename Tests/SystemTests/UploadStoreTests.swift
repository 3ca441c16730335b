// What is left of a session's uploads when it is given up while some of them are still coming in.

import Cryptography
import SecureAggregation
import Storage
import TestSupport
import Testing

@testable import Coordinator

struct UploadStoreTests {
    /// Whoever destroys a session and comes back for what ``UploadStore/sessions`` still names leaves neither key nor chunk.
    @Test func anUploadUnderWayOutlivesNobody() async throws {
        let folder = try TestFolder()
        let keys = try DataKeyStore(directory: folder("keys"), wrappingKey: try SecretBytes.random(count: 32))
        let store = UploadStore(folder: folder.path, dataKeys: keys, random: SystemRandomSource())
        let bytes = [UInt8](repeating: 7, count: 64)
        for number in UInt8(0)..<40 {
            let session = SHA256.hash([number])
            try await store.put(bytes, digest: SHA256.hash(bytes), session: session, node: 1, index: 0)
            async let upload: Void = {
                try? await store.put(bytes, digest: SHA256.hash(bytes), session: session, node: 2, index: 0)
            }()
            try await store.destroy(session)
            await upload
            let left = try await keys.names().contains(session.hex)
            let isNamed = await store.sessions.contains(session)
            #expect(!left || isNamed)
            for session in await store.sessions { try await store.destroy(session) }
            #expect(try await keys.names() == [])
        }
    }
}
