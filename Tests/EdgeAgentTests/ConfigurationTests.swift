// Settings from a file: what is misspelt, missing or out of range is named.

import EdgeAgent
import StrictJSON
import Testing

@Suite struct ConfigurationTests {
    private static let folders = """
        coordinator: "https://127.0.0.1:1", keysDirectory: "k", stateDirectory: "s",
        transactionsDirectory: 't', consentDirectory: "c",
        """

    private func read(_ text: String) throws(ConfigurationError) -> AgentConfiguration {
        try AgentConfiguration(json5: [UInt8](text.utf8))
    }

    @Test func aWholeFile() throws {
        let read = try read("{ \(Self.folders) /* JSON5 */ prekeyStock: 2, capMicroZCDP: 10, }")
        var expected = AgentConfiguration(
            coordinator: "https://127.0.0.1:1", keysDirectory: "k", stateDirectory: "s", transactionsDirectory: "t",
            consentDirectory: "c")
        expected.prekeyStock = 2
        expected.capMicroZCDP = 10
        #expect(read == expected)
    }

    /// Found by the fuzzer: such a name ended the process.
    @Test(arguments: [[0xff], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc3], [0x80]] as [[UInt8]])
    func aNameThatIsNotText(bytes: [UInt8]) {
        let error = #expect(throws: ConfigurationError.self) {
            try AgentConfiguration(json5: [UInt8]("{a".utf8) + bytes + [UInt8]("b: 1}".utf8))
        }
        #expect(error?.description == "configuration: not UTF-8")
    }

    @Test(arguments: [
        ("{ \(folders) capMicroZcdp: 1 }", "unknown key capMicroZcdp"),
        ("{ coordinator: 'x' }", "keysDirectory is missing"),
        ("{ \(folders) prekeyStock: '2' }", "prekeyStock has the wrong type"),
        ("{ \(folders) prekeyStock: 9 }", "prekeyStock: expected 1 ... 8"),
        ("{ \(folders) prekeyStock: 0 }", "prekeyStock: expected 1 ... 8"),
        ("{ \(folders) capMicroZCDP: -1 }", "capMicroZCDP: expected 0 or more"),
        ("{ \(folders) pollMilliseconds: 0 }", "pollMilliseconds: expected 1 ... 86400000 milliseconds"),
        (
            "{ \(folders) replySlotMilliseconds: 86400001 }",
            "replySlotMilliseconds: expected 1 ... 86400000 milliseconds"
        ),
        ("[]", "file has the wrong type"), ("{", "not JSON5"), ("", "not JSON5"),
    ])
    func whatIsWrongIsNamed(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect(error?.description == "configuration: \(message)")
    }
}
