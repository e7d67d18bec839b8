// When what programs write on a real mount appears on the port: each case that has a rule of its own.
import CFileCalls
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Publishing on a real mount", .enabled(if: MountTests.areWanted), .serialized)
struct MountPublishingTests {
    /// A mount with a page that reads "old".
    private let mount: TestMount

    init() throws {
        mount = try TestMount()
        #expect(mount.set("/page", "old") == .done)
    }

    /// Opens a file of the mount.
    private func open(_ name: String, _ flags: Int32) throws -> Int32 {
        let file = unsafe Glibc.open(mount.path + "/" + name, flags | O_CLOEXEC, 0o644)
        try #require(file >= 0, "open \(name): errno \(errno)")
        return file
    }

    private func write(_ text: String, to file: Int32) {
        let bytes = Array(text.utf8)
        #expect(unsafe Glibc.write(file, bytes, bytes.count) == bytes.count)
    }

    @Test("a writer shows nothing before its close, and all of it when close has returned")
    func close() throws {
        let file = try open("page", O_WRONLY | O_TRUNC)
        #expect(mount.published("/page") == "old")
        write("new", to: file)
        #expect(mount.published("/page") == "old")
        _ = Glibc.close(file)
        #expect(mount.published("/page") == "new")
    }

    @Test("fsync shows what is written so far, and what follows waits for the close")
    func sync() throws {
        let file = try open("page", O_WRONLY | O_TRUNC)
        write("first ", to: file)
        #expect(fsync(file) == 0)
        #expect(mount.published("/page") == "first ")
        write("second", to: file)
        #expect(mount.published("/page") == "first ")
        #expect(fdatasync(file) == 0)
        #expect(mount.published("/page") == "first second")
        _ = Glibc.close(file)
    }

    @Test("of two writers each close shows what both have written by then")
    func twoWriters() throws {
        let one = try open("page", O_WRONLY)
        let two = try open("page", O_WRONLY)
        write("1", to: one)
        #expect(unsafe pwrite(two, "2", 1, 1) == 1)
        #expect(mount.published("/page") == "old")
        _ = Glibc.close(one)
        #expect(mount.published("/page") == "12d")
        #expect(unsafe pwrite(two, "3", 1, 2) == 1)
        #expect(mount.published("/page") == "12d")
        _ = Glibc.close(two)
        #expect(mount.published("/page") == "123")
    }

    @Test("a copy of the descriptor counts: its close by the same process shows what is written")
    func duplicate() throws {
        let file = try open("page", O_WRONLY | O_TRUNC)
        let copy = dup(file)
        _ = Glibc.close(copy)
        #expect(mount.published("/page") == "old")
        write("new", to: file)
        _ = Glibc.close(file)
        #expect(mount.published("/page") == "new")
    }

    @Test("pages of a mapping are shown by msync, by a close that follows, and by munmap after close")
    func mapping() throws {
        let file = try open("page", O_RDWR)
        let map = unsafe mmap(nil, 3, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        try #require(unsafe map != MAP_FAILED)
        let bytes = unsafe map!.assumingMemoryBound(to: UInt8.self)
        unsafe bytes[0] = UInt8(ascii: "O")
        #expect(mount.published("/page") == "old")
        let code = unsafe msync(map, 3, Int32(MS_SYNC))
        #expect(code == 0)
        #expect(mount.published("/page") == "Old")
        unsafe bytes[1] = UInt8(ascii: "L")
        _ = Glibc.close(file)
        #expect(mount.published("/page") == "OLd")
        unsafe bytes[2] = UInt8(ascii: "D")
        unsafe munmap(map, 3)
        #expect(mount.published("/page", otherThan: "OLd") == "OLD")
    }

    @Test("a page that the port replaced while a program had it mapped and dirty keeps the port's bytes")
    func mappedAndReplaced() throws {
        let file = try open("page", O_RDWR)
        let map = unsafe mmap(nil, 3, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        try #require(unsafe map != MAP_FAILED)
        let bytes = unsafe map!.assumingMemoryBound(to: UInt8.self)
        unsafe bytes[0] = UInt8(ascii: "X")
        #expect(mount.set("/page", "ported") == .done)
        #expect(mount.published("/page") == "ported")
        _ = Glibc.close(file)
        unsafe munmap(map, 3)
        #expect(mount.published("/page") == "ported")
        #expect(try mount.shell("cat page") == "ported")
    }

    @Test(
        "a mapped file that the port makes longer is whole when the program writes on to its mapping",
        arguments: [(2, 10), (4096, 5000), (100, 70_000), (5000, 300_000)])
    func mappedAndLonger(oldSize: Int, newSize: Int) throws {
        #expect(mount.set("/page", String(repeating: "a", count: oldSize)) == .done)
        let file = try open("page", O_RDWR)
        let map = unsafe mmap(nil, oldSize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        try #require(unsafe map != MAP_FAILED)
        let bytes = unsafe map!.assumingMemoryBound(to: UInt8.self)
        unsafe bytes[oldSize - 1] = UInt8(ascii: "!")
        let longer = String(repeating: "0123456789", count: newSize / 10)
        #expect(mount.set("/page", longer) == .done)
        unsafe bytes[0] = UInt8(ascii: "$")
        let code = unsafe msync(map, oldSize, Int32(MS_SYNC))
        #expect(code == 0)
        let expected = "$" + longer.dropFirst()
        #expect(mount.published("/page") == expected)
        #expect(try mount.shell("cat page") == expected)
        _ = Glibc.close(file)
        unsafe munmap(map, oldSize)
        #expect(try mount.shell("cat page; echo; stat -c %s page") == expected + "\n\(newSize)")
        #expect(mount.published("/page") == expected)
    }

    @Test("a log to which the port appends too keeps the program's lines, in the order of the live content")
    func sharedLog() throws {
        let file = try open("page", O_WRONLY | O_APPEND)
        write(" 1", to: file)
        #expect(mount.set("/page", " p", StoreCommand(mode: .append)) == .done)
        #expect(mount.published("/page") == "old p")
        #expect(try mount.shell("cat page") == "old 1 p")
        write(" 2", to: file)
        #expect(fsync(file) == 0)
        #expect(mount.published("/page") == "old 1 p 2")
        _ = Glibc.close(file)
        #expect(try mount.shell("cat page") == "old 1 p 2")
    }

    @Test("a file that was just made and changed shows its new size, whoever looks at the directory meanwhile")
    func justMade() throws {
        #expect(try mount.shell("mkdir d") == "")
        let isDone = AtomicWord()
        let path = mount.path + "/d"
        // With attributes, as `ls -l` asks, and by name.
        let readers = try (0..<3).map { number in
            try Thread.start(name: "reader \(number)") {
                while isDone.value == 0 {
                    var status = stat()
                    if number == 2 { _ = unsafe stat(path + "/f", &status) }
                    guard let directory = unsafe opendir(path) else { continue }
                    while let entry = unsafe readdir(directory) {
                        _ = unsafe fstatat(dirfd(directory), &entry.pointee.d_name.0, &status, 0)
                    }
                    unsafe closedir(directory)
                }
            }
        }
        var wrong: [Int] = []
        for _ in 0..<500 {
            #expect(mount.set("/d/f", "base") == .done)
            #expect(mount.set("/d/f", String(repeating: "x", count: 96), StoreCommand(mode: .append)) == .done)
            var status = stat()
            // The kernel takes no lock to show what it has: it may be in the middle of putting the new size there.
            for _ in 0..<4 where status.st_size != 100 { #expect(unsafe stat(path + "/f", &status) == 0) }
            if status.st_size != 100 { wrong.append(status.st_size) }
            _ = unsafe unlink(path + "/f")
        }
        isDone.value = 1
        for reader in readers { reader.join() }
        #expect(wrong.isEmpty)
    }

    @Test("a log that stays open is shown by its interval, and only what grew")
    func log() throws {
        let session = mount.store.makeSession()
        defer { session.end() }
        let file = try open("log", O_WRONLY | O_CREAT | O_APPEND)
        write("line 1\n", to: file)
        #expect(mount.published("/log") == nil)
        func waitForLog(otherThan old: String?) -> String? {
            for _ in 0..<500 {
                session.refreshClock()
                _ = session.publishDueAppends(limit: 10)
                if let now = mount.published("/log"), now != old { return now }
                usleep(10_000)
            }
            return nil
        }
        #expect(waitForLog(otherThan: nil) == "line 1\n")
        write("line 2\n", to: file)
        #expect(waitForLog(otherThan: "line 1\n") == "line 1\nline 2\n")
        _ = Glibc.close(file)
    }

    @Test("a writer that is killed has closed its file")
    func killed() throws {
        let program =
            "import os, signal; f = os.open(\"page\", os.O_WRONLY | os.O_TRUNC); os.write(f, b\"half\"); "
            + "os.kill(os.getpid(), signal.SIGSTOP)"
        let script = """
            /usr/bin/python3 -c '\(program)' > /dev/null 2>&1 &
            until grep -q 'State:.T' /proc/$!/status; do sleep 0.01; done; echo $!
            """
        let pid = try mount.shell(script)
        #expect(mount.published("/page") == "old")
        _ = try Shell.run("kill -9 \(pid)")
        #expect(mount.published("/page", otherThan: "old") == "half")
    }

    @Test("a file that is unlinked while it is written is gone, and so is its page")
    func unlinked() throws {
        let file = try open("page", O_RDWR)
        write("new", to: file)
        #expect(try mount.shell("rm page") == "")
        #expect(mount.published("/page") == nil)
        write("more", to: file)
        var buffer = [UInt8](repeating: 0, count: 10)
        #expect(unsafe pread(file, &buffer, 10, 0) == 7)
        _ = Glibc.close(file)
        #expect(mount.published("/page") == nil)
    }

    @Test("every name of a file shows the same content, and the others stay when one goes")
    func hardLinks() throws {
        #expect(try mount.shell("mkdir d; ln page d/same; printf new > d/same") == "")
        #expect(mount.published("/page", otherThan: "old") == "new")
        #expect(mount.published("/d/same") == "new")
        #expect(mount.set("/page", "by the port") == .done)
        #expect(try mount.shell("cat d/same; rm page; cat d/same") == "by the portby the port")
        #expect(mount.published("/page") == nil)
        #expect(mount.published("/d/same") == "by the port")
    }

    @Test("a rename over a page switches it, also while the file that replaces it is open")
    func renameOver() throws {
        let file = try open("page.new", O_WRONLY | O_CREAT)
        write("new", to: file)
        #expect(fsync(file) == 0)
        write(" half", to: file)
        #expect(mount.published("/page") == "old")
        #expect(try mount.shell("mv page.new page") == "")
        #expect(mount.published("/page") == "new")
        #expect(mount.published("/page.new") == nil)
        _ = Glibc.close(file)
        #expect(mount.published("/page") == "new half")
    }

    @Test("two pages that are exchanged are exchanged on the port")
    func exchange() throws {
        #expect(mount.set("/other", "another") == .done)
        #expect(unsafe fc_rename(mount.path + "/page", mount.path + "/other", 2) == 0)
        #expect(mount.published("/page") == "another")
        #expect(mount.published("/other") == "old")
    }

    @Test("truncate by path is shown at once, ftruncate with the close")
    func truncation() throws {
        #expect(unsafe truncate(mount.path + "/page", 2) == 0)
        #expect(mount.published("/page") == "ol")
        let file = try open("page", O_WRONLY)
        #expect(ftruncate(file, 1) == 0)
        #expect(mount.published("/page") == "ol")
        _ = Glibc.close(file)
        #expect(mount.published("/page") == "o")
    }

    @Test("what the port stores while a program writes replaces both, and the program writes on into that")
    func portInBetween() throws {
        let file = try open("page", O_WRONLY | O_TRUNC)
        write("abc", to: file)
        #expect(mount.set("/page", "PORTED") == .done)
        #expect(mount.published("/page") == "PORTED")
        write("d", to: file)
        #expect(mount.published("/page") == "PORTED")
        _ = Glibc.close(file)
        #expect(mount.published("/page") == "PORdED")
    }
}
