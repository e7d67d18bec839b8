// Thread: starting and joining a POSIX thread with a Swift closure.
import Glibc

/// A running thread, to be joined or left.
struct Thread: Sendable {
    private let identity: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts `body` on a thread of its own; nil when the system has none to give.
    /// Source: pthread_create(3).
    static func start(_ body: @escaping @Sendable () -> Void) -> Thread? {
        var identity = pthread_t()
        let argument = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
        let code = unsafe pthread_create(
            &identity, nil,
            { argument in
                let body = unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
                body.run()
                return nil
            }, argument)
        guard code == 0 else {
            unsafe Unmanaged<Body>.fromOpaque(argument).release()
            return nil
        }
        return Thread(identity: identity)
    }

    /// Waits for the thread's end.
    func join() { _ = pthread_join(identity, nil) }

    /// Lets the thread run on without anybody who waits for it.
    func leave() { pthread_detach(identity) }

    /// Sends a signal to this thread alone.
    func signal(_ number: Int32) { pthread_kill(identity, number) }
}
