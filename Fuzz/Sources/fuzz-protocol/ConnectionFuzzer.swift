// ConnectionFuzzer: bytes of a client, cut at places that the input itself names, on a connection in memory with a real store.
// After each input the store is checked, and a well-behaved client is answered.
import Logging

@testable import MemNet
@testable import MemProtoServer
@testable import MemStore

/// SAFETY: used by the fuzzer's one thread.
final class ConnectionFuzzer: @unchecked Sendable {
    static let shared = ConnectionFuzzer()

    private let store: Store
    private let state: ServerState
    private let pool: WorkerPool
    private let worker: WorkerHandle
    private let output = Cell(OutputBuffer(capacity: NetLimits.outputBufferBytes))
    private let session: StoreSession
    private var executor: CommandExecutor
    private var runCount = 0

    /// Output that a run may gather before it is taken to be without an end.
    private static let stepsMax = 1 << 20

    private init() {
        var configuration = StoreConfiguration()
        configuration.memoryLimitBytes = 8 << 20
        configuration.itemSizeMaxBytes = 64 << 10
        configuration.prefixes = [KeyPrefix(prefix: Array("memfis://fuzz".utf8), directory: [0x2f])]
        guard let store = try? Store(configuration: configuration), let worker = try? WorkerHandle(number: 0) else {
            preconditionFailure("a store and a worker can be made")
        }
        store.clock.pause()
        var server = ServerConfiguration()
        server.hasDebugCommands = true
        server.allowsShutdown = true
        server.workerCount = 1
        let logger = Logger(label: "fuzz")
        pool = WorkerPool(server.pool(memoryLimitBytes: configuration.memoryLimitBytes), logger: logger)
        state = ServerState(configuration: server, store: store, logger: logger, pool: pool)
        pool.handles = [worker]
        self.store = store
        self.worker = worker
        session = store.makeSession()
        executor = CommandExecutor(session: session, shared: state, worker: worker, door: 0, output: output)
        worker.lock.lock()
    }

    func run(_ input: Bytes) {
        guard input.count > 1 else { return }
        let connection = Client(descriptor: -1)
        // The first byte says how the rest is cut.
        let pieceLength = max(1, Int(input[0]))
        var at = 1
        var kept: [UInt8] = []
        var isClosed = false
        while at < input.count, !isClosed {
            let end = min(input.count, at + pieceLength)
            kept += input[at..<end].array
            at = end
            isClosed = feed(connection, &kept)
        }
        executor.abandon(connection)
        connection.endState()
        connection.cell.free()
        checkStore()
    }

    /// Executes what is there; true when the connection is to be closed.
    private func feed(_ connection: Client, _ kept: inout [UInt8]) -> Bool {
        session.refreshClock()
        executor.beginTurn()
        for _ in 0..<Self.stepsMax {
            let step = kept.withBytes { executor.run(connection, $0) }
            precondition(step.consumed >= 0 && step.consumed <= kept.count, "no more is used than there is")
            kept.removeFirst(step.consumed)
            let isEmptyHanded = step.consumed == 0 && executor.output.isEmpty
            executor.output.discard(executor.contents)
            switch step.status {
            case .needsInput: return false
            case .outputFull, .yield:
                precondition(!isEmptyHanded || connection.value.input == .dump, "a turn that does nothing never ends")
                executor.beginTurn()
            case .parked: connection.net.awaitedCount = 0
            case .close: return true
            }
        }
        preconditionFailure("an input is answered without an end")
    }

    /// A well-behaved client is answered as ever.
    private func checkStore() {
        runCount += 1
        let connection = Client(descriptor: -1)
        var kept = Array("set fuzz-check 5 0 3\r\nabc\r\nget fuzz-check\r\n".utf8)
        executor.beginTurn()
        session.refreshClock()
        let step = kept.withBytes { executor.run(connection, $0) }
        kept.removeFirst(step.consumed)
        let answer = String(decoding: executor.output.unsent.array, as: UTF8.self)
        precondition(
            kept.isEmpty && answer == "STORED\r\nVALUE fuzz-check 5 3\r\nabc\r\nEND\r\n",
            "a plain client gets a wrong answer")
        executor.output.discard(executor.contents)
        connection.endState()
        connection.cell.free()
        if runCount % 256 == 0 {
            session.checkInvariants()
            state.isCrawlerEnabled = true
            state.countsPrefixes = false
        }
    }
}
