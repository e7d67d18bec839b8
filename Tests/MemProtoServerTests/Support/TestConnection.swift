// TestConnection: a connection without a socket. Bytes go in, answers come out; the store behind it is real.
import Logging
import MemStore

@testable import MemNet
@testable import MemProtoServer

/// A server's shared part with one worker's handle, on a store of its own.
final class TestServer {
    let store: Store
    let pool: WorkerPool
    let shared: ServerState
    let served: MemcachedProtocol
    let worker: WorkerHandle

    init(
        _ configuration: ServerConfiguration = ServerConfiguration(), memoryLimitBytes: Int = 64 << 20,
        logger: Logger = Logger(label: "test"), change: (inout StoreConfiguration) -> Void = { _ in }
    ) throws {
        var storeConfiguration = StoreConfiguration()
        storeConfiguration.memoryLimitBytes = memoryLimitBytes
        change(&storeConfiguration)
        store = try Store(configuration: storeConfiguration)
        store.clock.pause()
        pool = WorkerPool(configuration.pool(memoryLimitBytes: memoryLimitBytes), logger: logger)
        shared = ServerState(configuration: configuration, store: store, logger: logger, pool: pool)
        served = MemcachedProtocol(shared)
        pool.add(served)
        worker = try WorkerHandle(number: 0)
        pool.handles = [worker]
        worker.lock.lock()
    }

    deinit { worker.lock.unlock() }

    /// What the commands of the worker have counted.
    var counters: CommandCounters { shared.counters[0].commands.value }
}

/// One client.
final class TestConnection {
    let server: TestServer
    private let session: StoreSession
    private var executor: CommandExecutor
    private let output = Cell(OutputBuffer(capacity: NetLimits.outputBufferBytes))
    let connection = Client(descriptor: 1)
    private var kept: [UInt8] = []
    private(set) var isClosed = false
    /// How often the executor asked for its output to be sent, and the turn to be given on.
    private(set) var sends = 0
    private(set) var yields = 0

    init(_ server: TestServer) {
        self.server = server
        session = server.store.makeSession()
        executor = CommandExecutor(
            session: session, shared: server.shared, worker: server.worker, door: server.served.number, output: output)
        executor.beginTurn()
    }

    deinit {
        executor.output.discard(executor.contents)
        executor.abandon(connection)
        connection.endState()
        connection.cell.free()
        output.destroy()
        session.end()
    }

    /// Sends `text` and returns what is answered.
    func send(_ text: String) -> String { String(decoding: send(Array(text.utf8)), as: UTF8.self) }

    /// Sends `text` in pieces of `pieceLength` bytes.
    func send(_ text: String, inPiecesOf pieceLength: Int) -> String {
        let all = Array(text.utf8)
        var answer: [UInt8] = []
        for start in stride(from: 0, to: all.count, by: pieceLength) {
            answer += send(Array(all[start..<min(all.count, start + pieceLength)]))
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// Sends bytes and returns what is answered.
    func send(_ bytes: [UInt8]) -> [UInt8] {
        if isClosed { return [] }
        kept += bytes
        var answer: [UInt8] = []
        session.refreshClock()
        executor.beginTurn()
        while true {
            let step = kept.withBytes { executor.run(connection, $0) }
            kept.removeFirst(step.consumed)
            answer += takeOutput()
            switch step.status {
            case .needsInput:
                if server.shared.watchHub.streams.contains(.evictions) { executor.logEvictions() }
                return answer
            case .outputFull: sends += 1
            case .yield:
                yields += 1
                executor.beginTurn()
            case .parked: connection.net.awaitedCount = 0
            case .close:
                isClosed = true
                return answer
            }
        }
    }

    /// What the executor has written, with the values that are sent by reference in their places.
    private func takeOutput() -> [UInt8] {
        let bytes = executor.output.unsent.array
        var answer: [UInt8] = []
        var place = 0
        for index in 0..<executor.output.referenceCount {
            let reference = executor.output.reference(at: index)
            answer += bytes[place..<reference.position]
            place = reference.position
            var offset = 0
            while offset < reference.length {
                let run = executor.contents.pin(
                    reference.token, at: reference.offset + offset, lengthMax: reference.length - offset)
                answer += run.array
                offset += run.count
                executor.contents.unpin(run)
            }
        }
        answer += bytes[place...]
        executor.output.discard(executor.contents)
        return answer
    }
}
