// Property: how long the random tests run, and from which seed. `make property` sets both.
import Glibc

enum Property {
    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// Operations of each random test.
    static let operationCount = environment("MEMFISD_PROPERTY_OPERATIONS").flatMap { Int($0) } ?? 3000

    /// The seed of a test, said aloud, so that a failure can be had again.
    static func seed(_ test: String) -> UInt64 {
        let seed = environment("MEMFISD_PROPERTY_SEED").flatMap { UInt64($0) } ?? 1
        print("property \(test): \(operationCount) operations, MEMFISD_PROPERTY_SEED=\(seed)")
        return seed
    }

    /// Whether the invariants are checked after this step: after each in a short run, after some in a long one.
    static func checks(_ step: Int) -> Bool { operationCount <= 5000 || step % 250 == 0 }
}
