// Property: how long the random tests run, and from which seed. `make property` sets both.
import Glibc

enum Property {
    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// Operations of a random test: as many as are asked for, else `usual`. The invariants are checked after each.
    static func operationCount(_ usual: Int) -> Int {
        environment("MEMFISD_PROPERTY_OPERATIONS").flatMap { Int($0) } ?? usual
    }

    /// The seed of a test, said aloud, so that a failure can be had again.
    static func seed(_ test: String) -> UInt64 {
        let seed = environment("MEMFISD_PROPERTY_SEED").flatMap { UInt64($0) } ?? 1
        print("property \(test): MEMFISD_PROPERTY_SEED=\(seed)")
        return seed
    }
}
