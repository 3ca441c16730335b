import Foundation
import Learning
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    static func file(_ header: String, data: [UInt8] = []) -> [UInt8] {
        let text = [UInt8](header.utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + data
    }

    static func sample() throws -> Safetensors {
        try Safetensors(
            tensors: [
                "b": .init(shape: [2, 3], floats: [0, 1, -1.5, .pi, 1e-30, -0.0]),
                "a": .init(dataType: .u8, shape: [3], bytes: [1, 2, 3]),
                "scalar": .init(dataType: .f64, shape: [], bytes: [0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
                "empty": .init(dataType: .i64, shape: [0, 7], bytes: []),
            ], metadata: ["quote\"\\": "line\nfeed\u{1}", "ü": "日本 🛒"])
    }

    @Test func bytesAreThoseOfTheSpecification() throws {
        let one = try Safetensors(tensors: ["w": .init(shape: [1, 2], floats: [1, -2])], metadata: ["k": "v"])
        let header = #"{"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#
        let padded = header.padding(toLength: (header.utf8.count + 7) / 8 * 8, withPad: " ", startingAt: 0)
        #expect(one.encoded() == Self.file(padded, data: [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]))
    }

    @Test func roundTrip() throws {
        let sample = try Self.sample()
        let bytes = sample.encoded()
        #expect(try Safetensors(decoding: bytes) == sample)
        // Data start on a multiple of eight, so every tensor is aligned to its elements.
        #expect(bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }.isMultiple(of: 8))
    }

    @Test func readsWhatOthersMayWrite() throws {
        let header = """
            { "w" : {"shape":[2], "data_offsets" : [1,3],\n"dtype":"U8"} ,"\\u0041\\ud83d\\uded2\\/": \
            {"dtype":"I8","shape":[1],"data_offsets":[0,1]}, "__metadata__":{} }   
            """
        let file = try Safetensors(decoding: Self.file(header, data: [7, 8, 9]))
        #expect(file.tensors["w"]?.bytes == [8, 9])
        #expect(file.tensors["A🛒/"]?.bytes == [7])
        #expect(try Safetensors(decoding: Self.file("{}")).tensors.isEmpty)
    }

    @Test(arguments: [
        ("", SafetensorsError.malformedHeader(expected: "{ as its first byte")),
        (" {}", .malformedHeader(expected: "{ as its first byte")),
        ("{}x", .malformedHeader(expected: "its end after one object")),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}}"#, .shapeMismatch),
        (#"{"w":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#, .badOffsets),
        (#"{"w":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}"#, .badOffsets),
        (#"{"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, .badOffsets),
        (#"{"w":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#, .badOffsets),
        (
            #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
            .badOffsets
        ),
        (#"{"w":{"dtype":"F9","shape":[4],"data_offsets":[0,4]}}"#, .unknownDataType),
        (
            #"{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
            .duplicateName
        ),
        (#"{"__metadata__":{"a":"b","a":"c"}}"#, .duplicateName),
        (#"{"__metadata__":{},"__metadata__":{}}"#, .duplicateName),
        (
            #"{"w":{"dtype":"F64","shape":[999999999999999999,999999999999999999],"data_offsets":[0,4]}}"#,
            .shapeMismatch
        ),
        (
            #"{"w":{"dtype":"U8","shape":[4],"data_offsets":[0]}}"#,
            .malformedHeader(expected: "dtype, shape and two data_offsets")
        ),
        (
            #"{"w":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
            .malformedHeader(expected: "dtype, shape and data_offsets, once each")
        ),
        (
            #"{"w":{"dtype":"U8","shape":[04],"data_offsets":[0,4]}}"#,
            .malformedHeader(expected: "a whole number of at most 18 digits")
        ),
        (#"{"\ud800":1}"#, .malformedHeader(expected: "surrogates in pairs")),
        (#"{"\x":1}"#, .malformedHeader(expected: "an escape of JSON")),
        ("{\"a\n\":1}", .malformedHeader(expected: "control characters escaped")),
        (#"{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},}"#, .malformedHeader(expected: "a string")),
    ])
    func otherHeadersAreRefused(header: String, expected: SafetensorsError) {
        #expect(throws: expected) { try Safetensors(decoding: Self.file(header, data: [1, 2, 3, 4])) }
    }

    @Test func everyTruncationAndEveryDamageEndsInAnError() throws {
        let bytes = try Self.sample().encoded()
        for end in bytes.indices {
            #expect(throws: SafetensorsError.self) { try Safetensors(decoding: [UInt8](bytes[..<end])) }
        }
        #expect(throws: SafetensorsError.badOffsets) { try Safetensors(decoding: bytes + [0]) }
        #expect(throws: SafetensorsError.headerTooLarge) {
            try Safetensors(decoding: [UInt8](repeating: 0xFF, count: 64))
        }
        // Damage gives another value or an error, never a trap: whatever decodes must encode again.
        var decoded = 0
        for position in 0..<bytes.count {
            for flip in [UInt8(1), 0x20, 0x80] {
                var damaged = bytes
                damaged[position] ^= flip
                if let value = try? Safetensors(decoding: damaged) {
                    decoded += 1
                    #expect(try Safetensors(decoding: value.encoded()) == value)
                }
            }
        }
        #expect(decoded > 0)
    }

    @Test func modelsTravelWithTheirMeaning() throws {
        let vocabulary = try Vocabulary(["milk", "tea \"green\""])
        let layout = FeatureLayout(categoryCount: 2)
        let weights = (0..<layout.parameterCount).map { Float($0) / 3 }
        let file = try ModelFile(
            model: PropensityModel(layout: layout, parameters: weights), vocabulary: vocabulary, constants: .standard,
            facts: ["round": "12"])
        #expect(try ModelFile(decoding: file.encoded()) == file)
        #expect(throws: LearningError.self) {
            try ModelFile(
                model: file.model, vocabulary: vocabulary, constants: .standard, facts: ["categories": "x"])
        }
        #expect(throws: LearningError.self) { try ModelFile(decoding: Self.sample().encoded()) }
    }

    /// A Python that has the reference implementation.
    static let python = ProcessInfo.processInfo.environment["CONCORD_PYTHON"]

    @Test(.enabled(if: python != nil, "CONCORD_PYTHON names no Python with the safetensors package"))
    func theReferenceImplementationReadsIt() throws {
        let layout = FeatureLayout(categoryCount: 2)
        let weights = (0..<layout.parameterCount).map { Float($0) - 3.5 }
        let file = try ModelFile(
            model: PropensityModel(layout: layout, parameters: weights), vocabulary: try Vocabulary(["milk", "日\"本"]),
            constants: .standard)
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: path) }
        try Data(file.encoded()).write(to: path)
        let script = """
            import sys
            from safetensors import safe_open
            with safe_open(sys.argv[1], framework="numpy") as f:
                w = f.get_tensor("propensity.weight")
                print(list(f.keys()), w.shape, w.dtype, w.flatten().tolist(), f.metadata()["categories"].split(chr(10)))
            """
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.python))
        process.arguments = ["-c", script, path.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let values = weights.map { String($0) }.joined(separator: ", ")
        #expect(output == "['propensity.weight'] (2, 11) float32 [\(values)] ['milk', '日\"本']\n")
    }
}
