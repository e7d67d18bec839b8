// FailedOverwriteTests: programs that overwrite a page with more than there is room for.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct FailedOverwriteTests {
        /// What is short, and who has the page open meanwhile.
        struct Want: Sendable, CustomTestStringConvertible {
            var options: [String]
            var holder: String
            var testDescription: String { "\(options.joined(separator: " ")), held by \(holder)" }

            static let all = [
                Want(options: ["-m", "20"], holder: "nobody"),
                Want(options: ["-m", "20"], holder: "tail -f"),
                Want(options: ["-m", "128", "--files-max-bytes", "12m"], holder: "nobody"),
                Want(options: ["-m", "128", "--files-max-bytes", "12m"], holder: "a reader"),
            ]
        }

        @Test(
            "what has no room leaves the old page, makes no new one half, and is shown when it is written anew with room",
            arguments: Want.all)
        func failed(want: Want) throws {
            let daemon = try Daemon(want.options + ["--publish-interval", "0.05"])
            defer { daemon.remove() }
            try daemon.runPageScript("failed_overwrite.py", [want.holder])
        }
    }
}
