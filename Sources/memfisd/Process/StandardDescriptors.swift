// StandardDescriptors: descriptors 0 to 2 of a process that was started without them.
import Glibc

enum StandardDescriptors {
    /// Opens /dev/null in the place of each of stdin, stdout and stderr that is closed. It comes before anything else is
    /// opened: a pipe, a signalfd or a socket that got one of these numbers would be read, written and replaced as if it
    /// were the terminal. Processes that are forked later inherit them.
    static func complete() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is given, and all below are open by now.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
