// SocketClient+Expect: what a test expects of a server.
import Testing
import TestSupport

extension SocketClient {
    /// Sends and expects a response; nothing else may come before it.
    func expect(_ response: String, to request: String) {
        send(request)
        let received = String(decoding: receive(response.utf8.count), as: UTF8.self)
        #expect(received == response)
    }
}
