// MonitorChannel: how the server asks the monitor for what needs privileges:
// single bytes over a socket pair, so that the monitor has nothing to parse.
import CShims
import Glibc

/// What the server asks for.
enum MonitorRequest: UInt8 {
    /// Mount on the first mount point; the answer brings the device's descriptor.
    case mount = 1
    /// Make the further mount points show the first one.
    case bindMounts = 2
    /// Both doors are open: write the process number, let the waiting shell go. No answer.
    case ready = 3
    /// Take the mounts away.
    case unmount = 4
    /// Somebody else has taken the mounts away: what is mounted there from now on is not ours. No answer.
    case gone = 5
}

/// What the monitor answers.
enum MonitorAnswer: UInt8 {
    case done = 1
    /// It has said why on stderr.
    case failed = 2
}

/// One end of the channel; each process closes the other's.
struct MonitorChannel {
    let descriptor: Int32

    /// A connected pair: the monitor's end, the server's end.
    static func pair() throws(StartFailure) -> (monitor: MonitorChannel, server: MonitorChannel) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
        else { throw StartFailure("socketpair: \(FilePaths.errorText(errno))", .systemRefused) }
        return (MonitorChannel(descriptor: ends[0]), MonitorChannel(descriptor: ends[1]))
    }

    func send(_ byte: UInt8, descriptor passed: Int32 = -1) -> Bool {
        while true {
            let count = cs_send_byte(descriptor, byte, passed)
            if count < 0, errno == EINTR { continue }
            return count == 1
        }
    }

    /// The next byte and the descriptor that came with it (-1 = none); nil when the other end is closed.
    func receive() -> (byte: UInt8, descriptor: Int32)? {
        var byte: UInt8 = 0
        var passed: Int32 = -1
        while true {
            let count = unsafe cs_receive_byte(descriptor, &byte, &passed)
            if count < 0, errno == EINTR { continue }
            return count == 1 ? (byte, passed) : nil
        }
    }

    /// Asks and waits for the answer. Returns the passed descriptor, -1 when none belongs to the answer;
    /// nil when the monitor could not do it or is gone.
    func ask(_ request: MonitorRequest) -> Int32? {
        guard send(request.rawValue), let answer = receive(), answer.byte == MonitorAnswer.done.rawValue else {
            return nil
        }
        return answer.descriptor
    }

    func close() { Glibc.close(descriptor) }
}
