// InheritedDescriptors: what systemd hands to a service: listening sockets (socket activation) and the device of a mount that
// was made before it. Source: sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, descriptors from 3 on.
import CShims
import Glibc

struct InheritedDescriptors: Equatable {
    /// Sockets that listen already.
    var sockets: [Int32] = []
    /// The device of a mount; nil when none was handed over.
    var device: Int32?

    static let none = InheritedDescriptors()
    /// The name under which the device is left for the service.
    static let deviceName = "fuse"
    private static let firstDescriptor: Int32 = 3

    /// Takes the descriptors over, so that no other process gets them.
    /// - Throws: StartFailure, status 71, for a descriptor that is no listening stream socket.
    static func take(_ environment: [String: String] = Environment.current()) throws(StartFailure)
        -> InheritedDescriptors
    {
        guard environment["LISTEN_PID"] == "\(getpid())", let text = environment["LISTEN_FDS"],
            let count = Int32(text), (0...1024).contains(count)
        else { return .none }
        for variable in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(variable) }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
        var result = InheritedDescriptors()
        for index in 0..<count {
            let descriptor = firstDescriptor + index
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            if names.indices.contains(Int(index)), names[Int(index)] == deviceName {
                // An older one belongs to a mount that is gone.
                if let older = result.device { close(older) }
                result.device = descriptor
            } else if isListening(descriptor) {
                result.sockets.append(descriptor)
            } else {
                throw StartFailure("descriptor \(descriptor) of LISTEN_FDS is no listening socket", .systemRefused)
            }
        }
        return result
    }

    private static func isListening(_ descriptor: Int32) -> Bool {
        option(SO_ACCEPTCONN, of: descriptor) == 1 && option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue)
    }

    private static func option(_ name: Int32, of descriptor: Int32) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : -1
    }
}
