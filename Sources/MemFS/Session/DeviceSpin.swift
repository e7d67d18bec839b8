// DeviceSpin: waiting for the next request awake, for some microseconds. To wake a sleeping CPU costs more than a small
// request does, and a program that copies many files sends its next request at once.
import CShims
import Glibc
import MemStore

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

/// One thread's way to the device.
struct DeviceReader: ~Copyable {
    private let spin: DeviceSpin
    let device: Int32
    /// Microseconds to wait awake for the next request: all after a success, half after each failure.
    private var patience: UInt32
    private var skippedCount = 0
    /// Waits that are slept through when patience has run out, before it is tried again.
    private static let skippedMax = 64

    init(device: Int32, spin: DeviceSpin) {
        self.device = device
        self.spin = spin
        patience = spin.microsecondsMax
    }

    /// Whether a thread may wait awake, and so not sleep though nothing is there.
    var waitsAwake: Bool { spin.microsecondsMax > 0 }

    /// read(2) of the next request.
    @unsafe mutating func read(_ buffer: UnsafeMutableRawPointer?, _ length: Int) -> Int {
        if waitsAwake, isWorthTrying(), spin.tryBegin() {
            let hasCome = waitAwake()
            spin.end()
            patience = hasCome ? spin.microsecondsMax : patience / 2
        }
        // Should another thread have taken it, this one sleeps.
        return unsafe cs_read(device, buffer, length)
    }

    private mutating func isWorthTrying() -> Bool {
        if patience > 1 { return true }
        skippedCount += 1
        guard skippedCount > Self.skippedMax else { return false }
        skippedCount = 0
        patience = spin.microsecondsMax
        return true
    }

    /// Asks again and again whether there is a request. False when the time is over, or when somebody else needed the CPU
    /// meanwhile. By poll(2): a descriptor of its own that does not block could only be opened by who may open /dev/fuse.
    private func waitAwake() -> Bool {
        let begun = Monotonic.nanoseconds
        var last = begun
        while true {
            if Self.hasRequest(device) { return true }
            sched_yield()
            let now = Monotonic.nanoseconds
            let wasAway = now - last > 20_000
            if wasAway || now - begun >= UInt64(patience) * 1000 { return false }
            last = now
        }
    }

    /// Whether a request waits already.
    static func hasRequest(_ device: Int32) -> Bool {
        var device = pollfd(fd: device, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&device, 1, 0) == 1
    }
}
