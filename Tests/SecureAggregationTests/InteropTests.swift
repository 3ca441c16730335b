// A second implementation, written from the specification alone, computes the specification's test vectors.
// KnownAnswerTests hold ours to the same values.

import Foundation
import TestSupport
import Testing

struct InteropTests {
    private static let script = ReferenceData.packageRoot.appending(path: "Tests/Interop/secure_aggregation.py")
    private static let specification = ReferenceData.packageRoot.appending(path: "Protocols/secure-aggregation.md")

    @Test(
        .enabled(
            if: InteropPython.has("cryptography"), "CONCORD_PYTHON names no Python that has the package cryptography"))
    func anIndependentImplementationComputesTheVectors() throws {
        let agreed = try InteropPython.run([Self.script.path, Self.specification.path])
        #expect(agreed.status == 0, "\(agreed.output)")

        // It must be able to say no.
        let text = try String(contentsOf: Self.specification, encoding: .utf8)
        let section = try #require(text.range(of: "## 11. Test vectors"))
        let digits = try #require(text[section.upperBound...].range(of: "7894f6e92e181d65"))
        let altered = FileManager.default.temporaryDirectory.appending(path: "specification-\(UUID().uuidString).md")
        defer { try? FileManager.default.removeItem(at: altered) }
        try text.replacingCharacters(in: digits, with: "7894f6e92e181d66").write(
            to: altered, atomically: true, encoding: .utf8)
        #expect(try InteropPython.run([Self.script.path, altered.path]).status == 1)
    }
}
