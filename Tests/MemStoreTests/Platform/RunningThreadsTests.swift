// Threads: they run what they are given, are waited for, and read what the system tells of them.
import Glibc
import Testing

@testable import MemStore

@Suite struct RunningThreadsTests {
    @Test("waiting ends when the last thread has, and gives up in time while one runs")
    func waits() throws {
        let running = RunningThreads()
        #expect(running.waitUntilNone(timeoutSeconds: 0))
        let (lock, isFree) = (Lock(), Condition())
        nonisolated(unsafe) var mayEnd = false
        for number in 0..<3 {
            running.begin()
            try Thread.start(name: "waiting \(number)") {
                lock.withLock { while unsafe !mayEnd { isFree.wait(lock) } }
                running.end()
            }.leave()
        }
        #expect(!running.waitUntilNone(timeoutSeconds: 0))
        lock.withLock { unsafe mayEnd = true }
        isFree.wakeAll()
        #expect(running.waitUntilNone())
    }

    @Test("a thread has its name, and a file of the system is read whole")
    func names() throws {
        let name = Lock()
        nonisolated(unsafe) var read: String?
        try Thread.start(name: "a thread") {
            name.withLock { unsafe read = SystemFile.text(of: "/proc/thread-self/comm") }
        }.join()
        #expect(unsafe read == "a thread\n")
        #expect(SystemFile.contents(of: "/proc/self/status")?.isEmpty == false)
        errno = 0
        #expect(SystemFile.contents(of: "/nowhere/at/all") == nil && errno == ENOENT)
        #expect(SystemFile.contents(of: "/proc/self") == nil, "a directory")
        name.destroy()
    }
}
