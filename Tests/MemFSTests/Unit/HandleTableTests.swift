// What is remembered of files that are open for writing.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Handles open for writing")
struct HandleTableTests {
    @Test("a handle has written only after it was said so, and tells its opener then")
    func written() throws {
        let table = HandleTable()
        let handle = try #require(table.open(Ino(5), opener: 42))
        #expect(table.openerOfWritten(handle) == nil)
        table.setWritten(handle)
        #expect(table.openerOfWritten(handle) == 42)
        table.setPublished(Ino(5))
        #expect(table.openerOfWritten(handle) == nil)
    }

    @Test("a release publishes what its handle changed, unless another has written what is not published")
    func releases() throws {
        let table = HandleTable()
        func two() throws -> (HandleNumber, HandleNumber) {
            (try #require(table.open(Ino(5), opener: 1)), try #require(table.open(Ino(5), opener: 2)))
        }
        var (one, other) = try two()
        table.setWritten(one)
        #expect(!table.close(other), "the first one is in the middle of writing")
        #expect(table.close(one), "the last that could write")
        (one, other) = try two()
        table.setWritten(one)
        #expect(table.close(one), "the other has written nothing")
        #expect(table.close(other))
        (one, other) = try two()
        table.setWritten(one, appending: true)
        table.setCutToNothing(Ino(5), by: other)
        #expect(table.openerOfWritten(one) == nil, "what it wrote was cut off")
        #expect(table.close(other), "the cut is shown")
        table.setWritten(one, appending: true)
        let third = try #require(table.open(Ino(5), opener: 3))
        table.setWritten(third)
        #expect(table.close(third), "who appends holds nothing back")
        table.close(one)
        (one, other) = try two()
        table.setCutToNothing(Ino(5), by: one)
        table.setFailed(other)
        #expect(!table.close(other), "the first one has cut the file and goes on")
        table.setPublished(Ino(5))
        let last = try #require(table.open(Ino(5), opener: 1))
        #expect(!table.close(one), "nothing of it is left to show")
        #expect(table.close(last))
        #expect(!table.close(.readOnly))
    }

    @Test("an open for reading that cuts the file is remembered, without a flush")
    func truncatingReader() throws {
        let table = HandleTable()
        let file = try #require(try table.open(Ino(5), OpenMode(flags: O_RDONLY | O_TRUNC, opener: 1)) { 1 })
        #expect(file.handle != .readOnly && file.skipsFlush && !file.isDirect)
        #expect(!table.setCutToNothing(Ino(5), by: file.handle))
        #expect(table.close(file.handle))
    }

    @Test("the handle for reading is number 0, never has written and may be closed")
    func readOnly() {
        let table = HandleTable()
        table.setWritten(.readOnly)
        #expect(table.openerOfWritten(.readOnly) == nil)
        #expect(!table.isDirect(.readOnly))
        table.close(.readOnly)
        #expect(table.count == 0)
    }

    @Test("closed numbers are given out again, open ones are not")
    func reuse() throws {
        let table = HandleTable()
        let first = try #require(table.open(Ino(1), opener: 1))
        let second = try #require(table.open(Ino(2), opener: 2))
        #expect(first != second)
        table.setWritten(first)
        table.close(first)
        let third = try #require(table.open(Ino(3), opener: 3))
        #expect(third == first)
        #expect(table.openerOfWritten(third) == nil)
        #expect(table.count == 2)
    }

    @Test("written pages count for every handle of the inode and for no other")
    func pages() throws {
        let table = HandleTable()
        // Inodes 7 and 7 + 1024 share a bucket.
        let one = try #require(table.open(Ino(7), opener: 1))
        let other = try #require(table.open(Ino(7 + 1024), opener: 2))
        let two = try #require(table.open(Ino(7), opener: 3))
        table.setWrittenByPages(Ino(7))
        #expect(table.openerOfWritten(one) == 1)
        #expect(table.openerOfWritten(other) == nil)
        #expect(table.openerOfWritten(two) == 3)
    }

    @Test(
        "handles of one bucket can be closed in any order", arguments: [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]])
    func closing(order: [Int]) throws {
        let table = HandleTable()
        let handles = try (0..<3).map {
            try #require(table.open(Ino(UInt64(9 + 1024 * $0)), opener: 1))
        }
        var open: Set = [0, 1, 2]
        for index in order {
            table.close(handles[index])
            open.remove(index)
            for left in open {
                table.setWrittenByPages(Ino(UInt64(9 + 1024 * left)))
                #expect(table.openerOfWritten(handles[left]) == 1)
            }
        }
        #expect(table.count == 0)
    }

    @Test("thousands of handles are all told apart")
    func many() throws {
        let table = HandleTable()
        let handles = try (1...5000).map {
            try #require(table.open(Ino(UInt64($0)), opener: UInt32($0)))
        }
        for (index, handle) in handles.enumerated() {
            table.setWritten(handle)
            #expect(table.openerOfWritten(handle) == UInt32(index + 1))
        }
        for handle in handles { table.close(handle) }
        #expect(table.count == 0)
    }

    /// Opens `ino`, which then has `count` handles; tells whether it is to be read and written past the kernel's pages.
    private func open(_ table: HandleTable, _ ino: Ino, _ flags: Int32, count: Int) throws -> OpenFile {
        var mode = OpenMode(flags: flags, opener: 1)
        mode.mayBeDirect = true
        return try #require(try table.open(ino, mode) { count })
    }

    @Test("the only handle of a file is direct if it can write alone")
    func direct() throws {
        let table = HandleTable()
        #expect(try open(table, Ino(1), O_WRONLY, count: 1).isDirect)
        #expect(try !open(table, Ino(2), O_RDWR, count: 1).isDirect)
        #expect(try !open(table, Ino(3), O_RDONLY, count: 1).isDirect)
        #expect(try !open(table, Ino(4), O_WRONLY, count: 2).isDirect)
        let refused = try #require(try table.open(Ino(5), OpenMode(flags: O_WRONLY, opener: 1)) { 1 })
        #expect(!refused.isDirect)
    }

    @Test("as long as a handle is direct, all that are opened beside it are")
    func directNeighbours() throws {
        let table = HandleTable()
        let writer = try open(table, Ino(1), O_WRONLY, count: 1)
        #expect(try open(table, Ino(1), O_RDONLY, count: 2).isDirect)
        let both = try open(table, Ino(1), O_RDWR, count: 3)
        #expect(both.isDirect && table.isDirect(both.handle))
        #expect(try !open(table, Ino(1 + 1024), O_RDONLY, count: 1).isDirect)
        table.close(writer.handle)
        #expect(try open(table, Ino(1), O_RDONLY, count: 3).isDirect)
        table.close(both.handle)
        #expect(try !open(table, Ino(1), O_RDONLY, count: 3).isDirect)
    }

    @Test("a handle that the store refuses is not remembered")
    func refusedByStore() {
        let table = HandleTable()
        #expect(throws: StoreError.stale) {
            _ = try table.open(Ino(1), OpenMode(flags: O_WRONLY, opener: 1)) { () throws(StoreError) in throw .stale }
        }
        #expect(table.count == 0)
    }
}

extension HandleTable {
    /// A handle for writing of an inode that the store counts no others of.
    fileprivate func open(_ ino: Ino, opener: UInt32) -> HandleNumber? {
        let mode = OpenMode(flags: O_RDWR, opener: opener)
        return (try? open(ino, mode) { 1 })??.handle
    }
}
