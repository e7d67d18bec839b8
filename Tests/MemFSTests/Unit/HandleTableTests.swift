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
        table.setWritten(handle, true)
        #expect(table.openerOfWritten(handle) == 42)
        table.setWritten(handle, false)
        #expect(table.openerOfWritten(handle) == nil)
    }

    @Test("the handle for reading is number 0, never has written and may be closed")
    func readOnly() {
        let table = HandleTable()
        table.setWritten(.readOnly, true)
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
        table.setWritten(first, true)
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
            table.setWritten(handle, true)
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
