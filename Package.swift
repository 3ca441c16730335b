// swift-tools-version: 6.2
// The package graph is the architecture: arrows point down only, and a target that does no I/O imports nothing that can.
// ARCHITECTURE.md draws it; Tests/ArchitectureTests holds it to that.

import PackageDescription

/// Cores: pure functions and state machines. No I/O, no clock, no global randomness, no unsafe code.
let coreSettings: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Shells: they own file descriptors, sockets and C handles, so unsafe code is allowed where a C library asks for it.
let shellSettings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: coreSettings)
}

func shell(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: shellSettings)
}

func tool(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: shellSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies + ["TestSupport"], swiftSettings: shellSettings)
}

let package = Package(
    name: "concord",
    products: [
        .executable(name: "concord", targets: ["concord"]),
        .executable(name: "concord-agent", targets: ["concord-agent"]),
        .executable(name: "concord-verify", targets: ["concord-verify"]),
    ],
    targets: [
        // C libraries, all from Debian. OpenSSL: every cryptographic primitive and TLS, one long-term-support library.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        // SQLite: the embedded store; WAL with synchronous=FULL is the durability every acknowledgement rests on.
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        // libevent: the HTTP parser that faces the network is not ours to own; OpenSSL bufferevents give mutual TLS.
        .systemLibrary(name: "CLibevent", pkgConfig: "libevent_openssl", providers: [.apt(["libevent-dev"])]),
        // libcurl: Foundation cannot present a client certificate on Linux.
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        // Macros, variadic functions and headers that Swift cannot import, and nothing else.
        .target(name: "CShims", dependencies: ["COpenSSL", "CSQLite", "CCurl"]),

        // Foundation: bytes, keys, vectors.
        core("WireFormat"),
        shell("Locking"),
        shell("Cryptography", ["COpenSSL", "Locking"]),
        core("Vectors"),
        core("PeopleAPI"),

        // Science cores.
        core("MerkleLog", ["Cryptography"]),
        core("DifferentialPrivacy", ["Cryptography", "Vectors"]),
        core("SecureAggregation", ["Cryptography", "MerkleLog", "Vectors", "WireFormat"]),

        // Domain cores.
        core("Consent", ["Cryptography", "MerkleLog", "WireFormat"]),
        core("Learning", ["Cryptography", "DifferentialPrivacy", "Vectors", "WireFormat"]),
        core(
            "Rounds",
            [
                "Consent", "Cryptography", "DifferentialPrivacy", "Learning", "MerkleLog", "SecureAggregation",
                "Vectors", "WireFormat",
            ]),

        // Shells.
        shell("Identity", ["COpenSSL", "Cryptography", "WireFormat"]),
        shell("HTTPServer", ["CLibevent", "COpenSSL", "CShims", "Cryptography", "Identity", "Locking"]),
        shell("HTTPClient", ["CCurl", "CShims", "Identity"]),
        shell("Storage", ["CSQLite", "CShims", "Cryptography", "Locking"]),
        shell("CommandLineKit", ["Locking"]),
        shell("StrictJSON"),
        shell("ChainKeys", ["Cryptography", "Identity", "MerkleLog", "SecureAggregation", "WireFormat"]),

        // Assembled.
        shell("Evidence", ["Consent", "Cryptography", "MerkleLog", "SecureAggregation", "WireFormat"]),
        shell(
            "Coordinator",
            [
                "ChainKeys", "Consent", "Cryptography", "DifferentialPrivacy", "Evidence", "HTTPServer", "Identity",
                "Learning", "Locking",
                "MerkleLog", "PeopleAPI", "Rounds", "SecureAggregation", "Storage", "StrictJSON", "Vectors",
                "WireFormat",
            ]),
        shell(
            "EdgeAgent",
            [
                "ChainKeys", "Consent", "Cryptography", "DifferentialPrivacy", "HTTPClient", "Identity", "Learning",
                "Locking", "MerkleLog", "Rounds", "SecureAggregation", "Storage", "StrictJSON", "Vectors", "WireFormat",
            ]),
        shell(
            "Demonstration",
            [
                "ChainKeys", "CommandLineKit", "Consent", "Cryptography", "DifferentialPrivacy", "Evidence",
                "HTTPClient",
                "Identity", "Learning", "MerkleLog", "PeopleAPI", "Rounds", "SecureAggregation", "StrictJSON",
                "Vectors",
                "WireFormat",
            ]),

        // Figures beside raw primitives, which it calls directly: an overhead of our own wrappers must show.
        shell(
            "Benchmarking",
            ["COpenSSL", "CShims", "Cryptography", "SecureAggregation", "Storage", "Vectors", "WireFormat"]),

        // Executables.
        tool(
            "concord",
            [
                "Benchmarking", "ChainKeys", "CommandLineKit", "Coordinator", "Cryptography", "Demonstration",
                "Evidence",
                "Identity", "SecureAggregation", "Vectors",
            ]),
        tool(
            "concord-agent",
            ["CommandLineKit", "Cryptography", "EdgeAgent", "SecureAggregation", "WireFormat"]),
        tool("concord-verify", ["CommandLineKit", "Evidence"]),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Cryptography", "WireFormat"], path: "Tests/TestSupport",
            swiftSettings: shellSettings),
        // `make timing`: statistics about this machine, so not a test.
        .executableTarget(
            name: "concord-timing", dependencies: ["Cryptography", "SecureAggregation"], path: "Tests/Timing",
            swiftSettings: shellSettings),
        tests("WireFormat", ["WireFormat"]),
        tests("Cryptography", ["Cryptography"]),
        tests("Vectors", ["Cryptography", "Vectors"]),
        tests("MerkleLog", ["Cryptography", "MerkleLog"]),
        tests("DifferentialPrivacy", ["Cryptography", "DifferentialPrivacy", "Vectors"]),
        tests("SecureAggregation", ["Cryptography", "MerkleLog", "SecureAggregation", "Vectors", "WireFormat"]),
        tests("Consent", ["Consent", "Cryptography", "MerkleLog", "WireFormat"]),
        tests("Learning", ["Cryptography", "DifferentialPrivacy", "Learning", "Vectors"]),
        tests(
            "Rounds",
            [
                "Consent", "Cryptography", "DifferentialPrivacy", "Learning", "Rounds", "SecureAggregation", "Vectors",
                "WireFormat",
            ]),
        tests(
            "Evidence",
            ["Consent", "Cryptography", "Evidence", "MerkleLog", "SecureAggregation", "Vectors", "WireFormat"]),
        tests("Storage", ["Cryptography", "Storage"]),
        tests("Identity", ["Cryptography", "Identity"]),
        tests("HTTP", ["Cryptography", "HTTPClient", "HTTPServer", "Identity"]),
        tests("CommandLineKit", ["CommandLineKit"]),
        tests("Demonstration", ["Demonstration"]),
        tests("EdgeAgent", ["Consent", "Cryptography", "EdgeAgent", "SecureAggregation", "Storage", "StrictJSON"]),
        tests(
            "System",
            [
                "ChainKeys", "Consent", "Coordinator", "Cryptography", "DifferentialPrivacy", "EdgeAgent", "Evidence",
                "HTTPClient", "HTTPServer", "Identity", "Learning", "MerkleLog", "Rounds", "SecureAggregation",
                "Storage", "StrictJSON", "Vectors", "WireFormat",
            ]),
        // Decoders as a fuzzer calls them, and the replay of what fuzzers kept. The fuzzer itself is appended below.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Consent", "Coordinator", "Cryptography", "EdgeAgent", "Evidence", "HTTPServer", "Identity", "Learning",
                "MerkleLog", "PeopleAPI", "Rounds", "SecureAggregation", "WireFormat",
            ], path: "Fuzz/Targets", swiftSettings: shellSettings),
        tests("Fuzz", ["FuzzTargets"]),
        tests("Architecture", []),
        tests("Documentation", []),
    ],
    swiftLanguageModes: [.v6]
)

// `make fuzz` names libFuzzer's runtime here; without it there is no such target, because nothing else can link it.
if let runtime = Context.environment["CONCORD_FUZZER_RUNTIME"] {
    package.targets.append(
        .executableTarget(
            name: "concord-fuzz", dependencies: ["FuzzTargets"], path: "Fuzz/Driver", swiftSettings: shellSettings,
            linkerSettings: [.unsafeFlags([runtime]), .linkedLibrary("stdc++")]))
}
