// swift-tools-version: 6.2
import PackageDescription

/// Fuzzers of the protocol. A package of its own, since all of it is built with libFuzzer's instrumentation.
let package = Package(
    name: "fuzz",
    dependencies: [
        .package(name: "memfisd", path: ".."),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "fuzz-protocol",
            dependencies: [
                .product(name: "MemProtoServer", package: "memfisd"), .product(name: "MemNet", package: "memfisd"),
                .product(name: "MemStore", package: "memfisd"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
                .unsafeFlags(["-parse-as-library", "-sanitize=fuzzer"]),
            ],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])])
    ]
)
