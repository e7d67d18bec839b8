// HeldReaderTests: pages that programs, their children and threads replace while others have them open.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct HeldReaderTests {
        @Test(
            "a page that is replaced is shown old or new, whole, and new at once, whoever has it open",
            arguments: ["nobody", "a reader", "tail -f", "a mapping", "an idle writer", "an idle appender"])
        func replaced(holder: String) throws {
            let daemon = try Daemon(["-m", "256", "--publish-interval", "0.05"])
            defer { daemon.remove() }
            try daemon.runPageScript("held_page.py", [holder])
        }
    }
}
