// Thread: a POSIX thread that runs a closure once.
import CShims
import Glibc

/// A running thread; `join()` ends it.
///
/// SAFETY: the closure's box is handed to the thread, which takes it over.
@safe final class Thread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let thread: pthread_t

    private init(_ thread: pthread_t) { self.thread = thread }

    /// Starts a thread. Signals stay with the main thread. Source: pthread_create(3), pthread_setname_np(3).
    static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) -> Thread {
        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, &previous)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { box in
                unsafe Unmanaged<Body>.fromOpaque(box.unsafelyUnwrapped).takeRetainedValue().run()
                return nil
            }, box)
        guard code == 0 else {
            unsafe Unmanaged<Body>.fromOpaque(box).release()
            throw SystemError("pthread_create", name, errno: code)
        }
        unsafe cs_set_thread_name(thread, name)
        return Thread(thread)
    }

    /// Waits for the thread's end.
    func join() { pthread_join(thread, nil) }
}
