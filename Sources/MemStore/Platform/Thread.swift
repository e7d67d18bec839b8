// Thread: a POSIX thread that runs a closure once.
import CShims
import Glibc

/// A running thread, to be joined or left, once.
///
/// SAFETY: the closure's box is handed to the thread, which takes it over.
@safe public struct Thread: Sendable {
    /// What of the signals that are sent to the process a thread can get.
    public enum Signals: Sendable {
        /// None: they are the main thread's.
        case blocked
        /// What its maker gets, so that `signal` can end a system call of it.
        case inherited
    }

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    private let identity: pthread_t

    /// Starts `body` on a thread of its own.
    /// - Parameter name: what `ps -L` shows, at most 15 bytes.
    /// - Throws: SystemError when the system has no thread to give.
    /// Source: pthread_create(3), pthread_setname_np(3).
    @discardableResult public static func start(
        name: String, signals: Signals = .blocked, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> Thread {
        var previous = sigset_t()
        if signals == .blocked {
            var all = sigset_t()
            unsafe sigfillset(&all)
            unsafe pthread_sigmask(SIG_BLOCK, &all, &previous)
        }
        defer { if signals == .blocked { unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) } }
        var identity = pthread_t()
        let box = unsafe Unmanaged.passRetained(Body(name, body)).toOpaque()
        let code = unsafe pthread_create(
            &identity, nil,
            { box in
                let body = unsafe Unmanaged<Body>.fromOpaque(box.unsafelyUnwrapped).takeRetainedValue()
                unsafe cs_set_thread_name(pthread_self(), body.name)
                body.run()
                return nil
            }, box)
        guard code == 0 else {
            unsafe Unmanaged<Body>.fromOpaque(box).release()
            throw SystemError("pthread_create", name, errno: code)
        }
        return Thread(identity: identity)
    }

    /// Waits for the thread's end.
    public func join() { pthread_join(identity, nil) }

    /// Lets the thread run on without anybody who waits for it.
    public func leave() { pthread_detach(identity) }

    /// Sends a signal to this thread alone.
    public func signal(_ number: Int32) { pthread_kill(identity, number) }
}
