// The kept corpus of every fuzz target, through the same entry points, without a fuzzer.

import Foundation
import FuzzTargets
import TestSupport
import Testing

@Suite struct CorpusTests {
    private static let corpus = ReferenceData.packageRoot.appending(path: "Fuzz/Corpus").path
    private static let names = FuzzTarget.all.map(\.name)

    @Test(arguments: names) func everyInputKeepsThePromise(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let folder = "\(Self.corpus)/\(name)"
        let inputs = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(!inputs.isEmpty, "\(name) has a corpus")
        for input in inputs {
            let bytes = [UInt8](try #require(FileManager.default.contents(atPath: "\(folder)/\(input)")))
            #expect(throws: Never.self, "\(name)/\(input)") { try target.run(bytes) }
            // And what is nearly it: cut short, and with one bit of each of a few bytes turned.
            #expect(throws: Never.self, "\(name)/\(input), cut") { try target.run([UInt8](bytes.dropLast())) }
            for position in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 16)) {
                var altered = bytes
                altered[position] ^= 1
                #expect(throws: Never.self, "\(name)/\(input), byte \(position)") { try target.run(altered) }
            }
        }
    }

    /// No corpus of a target that is no more, and none that grew beyond what belongs into a repository.
    @Test func theCorpusIsTidy() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus)
        #expect(Set(folders) == Set(Self.names))
        #expect(Self.names.count == Set(Self.names).count)
        var bytes = 0
        for file in FileManager.default.enumerator(atPath: Self.corpus)?.compactMap({ $0 as? String }) ?? [] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(Self.corpus)/\(file)")
            guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
            bytes += attributes[.size] as? Int ?? 0
        }
        #expect(bytes > 0 && bytes < 1 << 20, "\(bytes) bytes")
    }
}
