// The way to the device, awake and asleep, on a pair of sockets in its place.
import Foundation
import Testing

@testable import MemFS

@Suite struct DeviceReaderTests {
    /// Two connected sockets that keep messages apart, as the device does.
    private func pair() -> (device: Int32, kernel: Int32) {
        var ends: [Int32] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    private func send(_ text: String, to descriptor: Int32) {
        #expect(unsafe Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count)
    }

    private func read(_ reader: inout DeviceReader) -> String {
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe reader.read($0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test("requests that wait are read one by one, awake or asleep", arguments: [0, 50] as [UInt32])
    func waiting(microseconds: UInt32) {
        let (device, kernel) = pair()
        defer { close(device) }
        var reader = DeviceReader(device: device, spin: DeviceSpin(microsecondsMax: microseconds))
        #expect(!DeviceReader.hasRequest(device))
        for number in 0..<100 {
            send("a\(number)", to: kernel)
            send("b\(number)", to: kernel)
            #expect(DeviceReader.hasRequest(device))
            let (first, second) = (read(&reader), read(&reader))
            #expect(first == "a\(number)" && second == "b\(number)")
        }
        // The end is told too.
        close(kernel)
        let end = read(&reader)
        #expect(end == "")
    }

    @Test("two that wait for each other go on, whether one of them waits awake or not", arguments: [0, 50] as [UInt32])
    func turns(microseconds: UInt32) {
        let (device, kernel) = pair()
        defer {
            close(device)
            close(kernel)
        }
        let client = Thread {
            var asleep = DeviceReader(device: kernel, spin: DeviceSpin(microsecondsMax: 0))
            for number in 0..<2000 {
                send("\(number)", to: kernel)
                let answer = read(&asleep)
                #expect(answer == "answer \(number)")
            }
            send("end", to: kernel)
        }
        client.start()
        var reader = DeviceReader(device: device, spin: DeviceSpin(microsecondsMax: microseconds))
        for number in 0..<2000 {
            let request = read(&reader)
            #expect(request == "\(number)")
            send("answer \(request)", to: device)
        }
        // The sockets are not closed before the client is done with them.
        let last = read(&reader)
        #expect(last == "end")
    }

    @Test("one thread of a mount waits awake at a time")
    func oneAtATime() {
        let spin = DeviceSpin(microsecondsMax: 50)
        #expect(spin.tryBegin())
        #expect(!spin.tryBegin())
        spin.end()
        #expect(spin.tryBegin())
        spin.end()
    }
}
