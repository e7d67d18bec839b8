// LogRotationTests: logs that are cut while their writers go on.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct LogRotationTests {
        @Test(
            "a log is followed on the port through every way of cutting it, whoever reads it",
            arguments: ["nobody", "a reader", "tail -f"])
        func rotation(holder: String) throws {
            let daemon = try Daemon(["--publish-interval", "0.05"])
            defer { daemon.remove() }
            try daemon.runPageScript("log_rotation.py", [holder])
        }
    }
}
