// DeviceSpin: waiting for the next request awake, for some microseconds. To wake a sleeping CPU costs more than a small
// request does, and a program that copies many files sends its next request at once.
import CShims
import Glibc

/// The right to wait awake, which one thread of a mount has at a time.
final class DeviceSpin: Sendable {
    /// Longest wait in microseconds; 0 = nobody waits awake.
    let microsecondsMax: UInt32
    private let isTaken = AtomicWord()

    /// - Parameter microsecondsMax: taken as 0 where the process has one CPU only: awake there, we would keep the client
    ///   from it.
    init(microsecondsMax: UInt32) {
        self.microsecondsMax = cs_allowed_cpus() > 1 ? microsecondsMax : 0
    }

    /// Takes the right if nobody has it.
    func tryBegin() -> Bool {
        if isTaken.add(1) == 1 { return true }
        _ = isTaken.subtract(1)
        return false
    }
    func end() { _ = isTaken.subtract(1) }
}

/// One thread's way to the device: a descriptor of its own that does not block, for waiting awake, beside the one that all
/// threads share. A reply has to go where its request came from.
struct DeviceReader: ~Copyable {
    private let spin: DeviceSpin
    /// -1: never waits awake.
    private let own: Int32
    /// Where the last request came from.
    private(set) var replyDescriptor: Int32
    /// Microseconds to wait awake for the next request: all after a success, half after each failure.
    private var patience: UInt32
    private var skippedCount = 0
    /// Waits that are slept through when patience has run out, before it is tried again.
    private static let skippedMax = 64

    /// - Parameter shared: the mount's descriptor.
    init(shared: Int32, spin: DeviceSpin) {
        self.spin = spin
        replyDescriptor = shared
        patience = spin.microsecondsMax
        own = spin.microsecondsMax > 0 ? Self.clone(shared) : -1
    }

    deinit { if own >= 0 { close(own) } }

    /// Another descriptor of the same mount, or -1. Source: Linux' uapi header `fuse.h`, FUSE_DEV_IOC_CLONE.
    private static func clone(_ shared: Int32) -> Int32 {
        let request: UInt = 0x8004_e500
        let descriptor = unsafe open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return -1 }
        var source = UInt32(bitPattern: shared)
        if unsafe ioctl(descriptor, request, &source) == 0 { return descriptor }
        close(descriptor)
        return -1
    }

    /// Whether a thread may wait awake, and so not sleep though nothing is there.
    var waitsAwake: Bool { own >= 0 }

    /// read(2) of the next request.
    @unsafe mutating func read(_ shared: Int32, _ buffer: UnsafeMutableRawPointer?, _ length: Int) -> Int {
        if own >= 0, isWorthTrying(), spin.tryBegin() {
            let count = unsafe readAwake(buffer, length)
            spin.end()
            if let count {
                patience = spin.microsecondsMax
                replyDescriptor = own
                return count
            }
            patience /= 2
        }
        replyDescriptor = shared
        return unsafe cs_read(shared, buffer, length)
    }

    private mutating func isWorthTrying() -> Bool {
        if patience > 1 { return true }
        skippedCount += 1
        guard skippedCount > Self.skippedMax else { return false }
        skippedCount = 0
        patience = spin.microsecondsMax
        return true
    }

    /// Asks again and again; nil when the time is over, or when somebody else needed the CPU meanwhile.
    @unsafe private func readAwake(_ buffer: UnsafeMutableRawPointer?, _ length: Int) -> Int? {
        let begun = Monotonic.nanoseconds
        var last = begun
        while true {
            let count = unsafe cs_read(own, buffer, length)
            if count >= 0 || errno != EAGAIN { return count }
            sched_yield()
            let now = Monotonic.nanoseconds
            let wasAway = now - last > 20_000
            if wasAway || now - begun >= UInt64(patience) * 1000 { return nil }
            last = now
        }
    }
}

/// The clock that never jumps.
enum Monotonic {
    static var nanoseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
    }
}
