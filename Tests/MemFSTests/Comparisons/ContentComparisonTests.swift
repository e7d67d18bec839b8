// Random calls on the content of a file, compared with a copy in memory: what is read is what was written, whatever way it
// took through the kernel's pages, mappings, holes and the store.
import Glibc
import Testing

@testable import MemFS

@Suite("Contents compared with memory", .enabled(if: MountTests.areWanted), .serialized)
struct ContentComparisonTests {
    /// Calls of each run; MEMFISD_CONTENT_CALLS has another number.
    private static var callCount: Int {
        unsafe getenv("MEMFISD_CONTENT_CALLS").flatMap { unsafe Int(String(cString: $0)) } ?? 25_000
    }

    private func run(_ words: String) throws -> String {
        let mount = try TestMount()
        defer { mount.end() }
        return try mount.shell("\(words)")
    }

    @Test("every byte that is read is the one that was written", arguments: [11, 12])
    func seeds(seed: Int) throws {
        let output = try run("\(TestProgram.path("file-contents")) file \(seed) \(Self.callCount)")
        print("calls on a content: \(output)")
        #expect(output.hasPrefix("read ") && !output.contains(" 0,"))
    }

    @Test("several programs at once on files of their own, see their own bytes")
    func several() throws {
        let program = TestProgram.path("file-contents")
        let output = try run(
            "for seed in 1 2 3 4; do \(program) file$seed $seed \(Self.callCount / 5) > out$seed & done; wait; cat out*"
        )
        #expect(output.split(separator: "\n").filter { $0.hasPrefix("read ") }.count == 4, "\(output)")
    }

    @Test("one wrong byte is found")
    func plantedFault() throws {
        let output = try run("FILE_CONTENTS_FAULT=600 \(TestProgram.path("file-contents")) file 11 5000")
        #expect(output.contains("another byte"))
    }
}

/// Programs of this package that lie beside the tests.
enum TestProgram {
    static func path(_ name: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe readlink("/proc/self/exe", buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        let own = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        return String(own[..<(own.lastIndex(of: "/") ?? own.endIndex)]) + "/" + name
    }
}
