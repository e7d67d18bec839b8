// PortFile: the file named by MEMCACHED_PORT_FILENAME, by which a script learns
// which port the system gave. Source: memcached's behaviour.
import Glibc
import MemProtoServer

enum PortFile {
    static func write(_ addresses: [BoundAddress]) {
        guard let value = unsafe getenv("MEMCACHED_PORT_FILENAME") else { return }
        let path = unsafe String(cString: value)
        let lines = addresses.filter { !$0.isUnix }.map { "TCP \($0.isIPv6 ? "INET6" : "INET"): \($0.port)\n" }
        if !FilePaths.replace(path, with: lines.joined(), temporary: "\(path).lck") {
            LogLine.write(.warning, "cannot write \(path): \(FilePaths.errorText(errno))")
        }
    }
}
