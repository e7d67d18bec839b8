// The order in which the kernel is told what changed.
import Testing

@testable import MemFS
@testable import MemStore

@Suite("Notices to the kernel")
struct NoticeQueueTests {
    private func entry(_ name: String, in parent: UInt64) -> Notice {
        .invalidation(
            Invalidation(sequence: 1, kind: .entry, ino: Ino(99), parent: Ino(parent), name: Array(name.utf8), token: 1)
        )
    }
    private func content(_ ino: UInt64) -> Notice {
        .invalidation(Invalidation(sequence: 1, kind: .content, ino: Ino(ino), parent: .none, name: [], token: 1))
    }

    @Test("notices of one directory come together and in order")
    func order() throws {
        let queue = NoticeQueue()
        for name in ["a", "b", "c"] { queue.add(entry(name, in: 5)) }
        let batch = try #require(queue.take())
        #expect(batch.notices == ["a", "b", "c"].map { entry($0, in: 5) })
    }

    @Test("while one directory is being told, others go on and its own later notices wait")
    func independence() throws {
        let queue = NoticeQueue()
        queue.add(entry("a", in: 5))
        let stuck = try #require(queue.take())
        queue.add(entry("b", in: 5))
        queue.add(entry("x", in: 6))
        let other = try #require(queue.take())
        #expect(other.key == Ino(6))
        queue.finish(other)
        queue.finish(stuck)
        let late = try #require(queue.take())
        #expect(late.notices == [entry("b", in: 5)])
    }

    @Test("an entry is queued under its directory, a content under its inode")
    func keys() {
        #expect(entry("a", in: 5).key == Ino(5))
        #expect(content(8).key == Ino(8))
        #expect(Notice.content(Ino(3)).key == Ino(3))
    }

    @Test("a notice that finds no waiting thread says so")
    func lacksThread() {
        let queue = NoticeQueue()
        #expect(queue.add(content(1)) == .queuedWithoutThread)
    }

    @Test("closing gives back what was not carried out, wakes the threads, and refuses more")
    func closing() {
        let queue = NoticeQueue()
        queue.add(content(1))
        queue.add(entry("a", in: 2))
        let left = queue.close()
        #expect(left.count == 2)
        #expect(left.contains(content(1)) && left.contains(entry("a", in: 2)))
        #expect(queue.take() == nil)
        #expect(queue.add(content(3)) == .closed)
    }

    @Test("an inode is being invalidated until the last of its invalidations has ended")
    func invalidations() {
        let queue = NoticeQueue()
        #expect(!queue.isInvalidating(Ino(1)))
        queue.beginInvalidation(of: Ino(1))
        queue.beginInvalidation(of: Ino(1))
        queue.endInvalidation(of: Ino(1))
        #expect(queue.isInvalidating(Ino(1)))
        #expect(!queue.isInvalidating(Ino(2)))
        queue.endInvalidation(of: Ino(1))
        #expect(!queue.isInvalidating(Ino(1)))
    }
}
