// LargeFileTests: a file that is written in full, far larger than any buffer; MEMFISD_LARGE_FILE_MIB makes it larger than 32 bits.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct LargeFileTests {
        private static let mebibytes = ProcessInfo.processInfo.environment["MEMFISD_LARGE_FILE_MIB"].flatMap(Int.init)

        @Test(
            "a large file is the same byte for byte on both doors, also when it is copied, changed and cut, and its memory returns"
        )
        func largeFile() throws {
            let size = Self.mebibytes ?? 80
            let daemon = try Daemon(["-m", "\(size * 3 / 2)"])
            defer { daemon.remove() }
            let output = try Shell.python(
                "large_file.py", [daemon.path(""), "\(daemon.port)", Daemon.prefix, "\(size)"], timeoutSeconds: 900)
            #expect(output.hasPrefix("done"))
        }
    }
}
