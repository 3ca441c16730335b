// The coordinator's settings from a file: a misspelt limit is a missing limit.

import Coordinator
import Rounds
import StrictJSON
import Testing

@Suite struct CoordinatorConfigurationTests {
    private static let folders = "dataDirectory: 'd', keysDirectory: 'k',"

    @Test func aWholeFile() throws {
        let read = try CoordinatorConfiguration(
            json5: [UInt8]("{ \(Self.folders) port: 8443, revealingMilliseconds: 7, epochMilliseconds: 9, }".utf8))
        var expected = CoordinatorConfiguration(dataDirectory: "d", keysDirectory: "k")
        expected.port = 8443
        expected.deadlines = AttemptDeadlines(
            collecting: expected.deadlines.collecting, labelling: expected.deadlines.labelling, revealing: 7)
        expected.epochMilliseconds = 9
        #expect(read == expected)
    }

    @Test(arguments: [
        ("{ \(folders) epochMillisecond: 1 }", "unknown key epochMillisecond"),
        ("{ dataDirectory: 'd' }", "keysDirectory is missing"),
        ("{ \(folders) port: 65536 }", "not JSON5"), ("{ \(folders) port: 'x' }", "port has the wrong type"),
        ("{ \(folders) epochMilliseconds: 0 }", "epochMilliseconds: expected 1 ... 31536000000 milliseconds"),
        ("{ \(folders) livenessMilliseconds: -1 }", "livenessMilliseconds: expected 1 ... 31536000000 milliseconds"),
        ("7", "file has the wrong type"), ("{", "not JSON5"),
    ])
    func whatIsWrongIsNamed(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try CoordinatorConfiguration(json5: [UInt8](text.utf8))
        }
        #expect(error?.description == "configuration: \(message)")
    }
}
