// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is compiled in Swift 6 mode, has to mark each unsafe
/// expression, and treats warnings as errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
]

/// Debug builds let a test hear of each change of the tree (see TreeChange.swift). `-Xswiftc -DOBSERVED` does so in others.
let observed: [SwiftSetting] = [.define("OBSERVED", .when(configuration: .debug))]

let package = Package(
    name: "memfisd",
    products: [
        .executable(name: "memfisd", targets: ["memfisd"]),
        .library(name: "MemStore", targets: ["MemStore"]),
        .library(name: "MemNet", targets: ["MemNet"]),
        .library(name: "MemProtoServer", targets: ["MemProtoServer"]),
        // Loaded into memcached by the tests that compare with it.
        .library(name: "HeldClock", type: .dynamic, targets: ["CHeldClock"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    ],
    targets: [
        .target(name: "CShims"),
        .systemLibrary(name: "CFuse3", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
        .target(
            name: "MemStore", dependencies: ["CShims", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: strict + observed),
        .target(
            name: "MemNet",
            dependencies: ["MemStore", "CShims", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .target(
            name: "MemProtoServer",
            dependencies: ["MemNet", "MemStore", "CShims", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .target(
            name: "MemFS",
            dependencies: [
                "MemStore", "CFuse3", "CShims", .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "memfisd",
            dependencies: [
                "MemStore", "MemNet", "MemProtoServer", "MemFS", "CShims",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MemStoreTests", dependencies: ["MemStore", "CShims"], swiftSettings: strict + observed),
        .target(name: "TestSupport", dependencies: ["MemNet"], path: "Tests/Support", swiftSettings: strict),
        .testTarget(
            name: "MemNetTests",
            dependencies: [
                "TestSupport", "MemNet", "MemProtoServer", "MemStore", "CShims",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MemProtoServerTests",
            dependencies: [
                "TestSupport", "MemProtoServer", "MemNet", "MemStore", "CShims",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Transcripts"], swiftSettings: strict),
        .testTarget(
            name: "MemFSTests", dependencies: ["MemFS", "MemStore", "file-calls", "file-contents", "CFileCalls"],
            swiftSettings: strict),
        .executableTarget(
            name: "store-threads", dependencies: ["MemStore"], path: "Tests/Programs/StoreThreads",
            swiftSettings: strict),
        .target(name: "CFileCalls", path: "Tests/Programs/CFileCalls"),
        .executableTarget(name: "file-contents", path: "Tests/Programs/FileContents"),
        .executableTarget(name: "stuck-reader", path: "Tests/Programs/StuckReader"),
        .target(name: "CHeldClock", path: "Tests/Programs/CHeldClock"),
        .executableTarget(
            name: "file-calls", dependencies: ["CFileCalls"], path: "Tests/Programs/FileCalls", swiftSettings: strict),
        .testTarget(
            name: "MemfisdTests",
            dependencies: ["memfisd", "MemStore", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "memfisd", "stuck-reader", "MemStore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["Scripts"], swiftSettings: strict),
    ]
)
