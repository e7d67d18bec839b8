// PortSnapshot: what the figures of the port are read from, at one moment. No worker waits for it.
import MemNet
import MemStore

/// The counters of all workers, the store's, and the settings that decide which figures there are.
struct PortSnapshot {
    let configuration: ServerConfiguration
    var stored: StoreStatistics
    let counters: CommandCounters
    let net: NetCounters
    let counts: SharedCounts<ServerState.CountName>
    let connectionCounts: SharedCounts<ServedProtocol.CountName>
    let servingWorkers: Int
    let acceptErrors: UInt64
    let uptimeSeconds: UInt32
    let prefixCount: Int
    /// What connections hold; nothing where only `stats` is asked for.
    var held = ConnectionMemory()

    init(_ shared: ServerState) {
        configuration = shared.configuration
        stored = shared.store.statistics()
        let sums = shared.sumOfCounters()
        counters = sums.commands
        net = sums.net
        counts = shared.counts
        connectionCounts = shared.connectionCounts
        servingWorkers = shared.pool.servingCount
        acceptErrors = shared.pool.counts[.acceptErrors]
        prefixCount = shared.prefixCounts.count
        uptimeSeconds = shared.store.clock.nowSeconds &- shared.startSecond
    }
}
