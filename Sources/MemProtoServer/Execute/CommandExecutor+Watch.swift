// watch, and the log lines of the commands. A line costs nothing while nobody watches its stream.
import MemNet
import MemStore

extension CommandExecutor {
    /// `watch [stream …]`
    mutating func watch(_ connection: Client, _ fields: Fields) {
        if !shared.configuration.allowsWatch { return output.write("CLIENT_ERROR watch commands not allowed\r\n") }
        if !output.isEmpty { return output.write("ERROR cannot pipeline other commands before watch\r\n") }
        var streams: WatchStreams = fields.count == 1 ? .fetchers : []
        for index in 1..<max(1, fields.count) {
            guard let stream = WatchStreams(word: fields[index]) else { return refuse(.unknownCommand) }
            streams.formUnion(stream)
        }
        let watcher = Watcher(
            streams, connection.cell, worker: worker, bufferBytesMax: shared.configuration.watcherBufferBytes)
        guard shared.watchHub.add(watcher) else {
            return output.write("WATCHER_TOO_MANY log watcher limit reached\r\n")
        }
        connection.value.watcher = watcher
        connection.value.input = .watching
        output.write("OK\r\n")
    }

    /// Writes the lines that wait for a watcher.
    mutating func runWatching(_ connection: Client) -> TurnStatus {
        guard let watcher = connection.value.watcher else {
            preconditionFailure("a watching connection has no watcher")
        }
        watcher.take().withBytes { output.write($0) }
        return .needsInput
    }

    // MARK: lines

    /// An item as a log line tells of it.
    private struct Seen {
        var presence = Presence.missing
        var fileMiss: FileMiss?
        var size = 0
        var slabClass = 0
    }

    /// Looks at an item without using it.
    private func look(_ key: Bytes) -> Seen {
        var options = GetOptions()
        options.countsAccess = false
        let view = session.beginGet(key, hash: session.hash(key), options: options)
        session.endGet(view)
        return seen(key, view)
    }

    private func seen(_ key: Bytes, _ view: ItemView) -> Seen {
        // An item that this read created was not there.
        guard view.isHit, !view.isCreated else {
            return Seen(presence: view.isHit ? view.absence : view.presence, fileMiss: view.fileMiss)
        }
        return Seen(presence: .present, size: view.size, slabClass: slabClass(key, view.flags, view.size))
    }

    private func slabClass(_ key: Bytes, _ flags: UInt32, _ length: Int) -> Int {
        SlabClass.number(
            ofTotal: ItemSize.bytes(
                keyLength: key.count, flags: flags, valueLength: length, hasCas: shared.store.configuration.hasCas))
    }

    /// `item_get` for a read that has just been done.
    func log(read key: Bytes, _ view: ItemView, _ connection: Client) {
        if watched.contains(.fetchers) { log(connection, key, seen(key, view)) }
    }

    /// `item_get` for the lookup that a command is about to do. An item that is gone is found gone here, and not by the command.
    func log(lookup key: Bytes, _ connection: Client, countsAbsence: Bool = true) {
        guard watched.contains(.fetchers) else { return }
        let seen = look(key)
        if countsAbsence { countAbsence(seen.presence) }
        log(connection, key, seen)
    }

    private func log(_ connection: Client, _ key: Bytes, _ seen: Seen) {
        let status =
            switch seen.presence {
            case .missing: seen.fileMiss?.statusWord ?? "not_found"
            case .present: "found"
            case .expired: "expired"
            case .flushed: "flushed"
            }
        shared.watchHub.log(
            .fetchers,
            Array("type=item_get key=".utf8) + Self.encoded(key)
                + Array(
                    " status=\(status) clsid=\(seen.slabClass) cfd=\(connection.net.descriptor) size=\(seen.size)"
                        .utf8))
    }

    /// `item_store` for a storage command's end.
    func log(
        store key: Bytes, _ command: StoreCommand, _ outcome: Outcome, length: Int, _ connection: Client
    ) {
        guard watched.contains(.mutations) else { return }
        let status =
            switch outcome {
            case .done: "stored"
            case .exists: "exists"
            case .notFound: "not_found"
            case .tooLarge: "too_large"
            case .noMemory: "no_memory"
            case .notStored, .nonNumeric, .permissionDenied, .notDirectory, .isDirectory, .invalidPath: "not_stored"
            }
        let name = command.compareCas != nil ? "cas" : "\(command.mode)"
        let left = command.exptime == .never ? 0 : command.exptime.secondsLeft(at: session.nowSecond)
        let slabClass = slabClass(key, command.flags, length)
        shared.watchHub.log(
            .mutations,
            Array("type=item_store key=".utf8) + Self.encoded(key)
                + Array(
                    (" status=\(status) cmd=\(name) ttl=\(left) clsid=\(slabClass)"
                        + " cfd=\(connection.net.descriptor) size=\(length)").utf8))
    }

    /// The lines of a number that an ma created: it looks once more, then adds.
    func log(creation key: Bytes, _ command: ArithmeticCommand, _ connection: Client) {
        if watched.contains(.fetchers) { log(connection, key, Seen()) }
        let store = StoreCommand(mode: .add, exptime: command.vivifyExptime ?? .never)
        log(store: key, store, .done, length: String(command.initial).utf8.count, connection)
    }

    /// `deleted` for an item that is about to be; does nothing when it is not there.
    func deletionLine(_ key: Bytes, by name: String) -> [UInt8]? {
        guard watched.contains(.deletions) else { return nil }
        let seen = look(key)
        return Array("type=deleted key=".utf8) + Self.encoded(key)
            + Array(" cmd=\(name) clsid=\(seen.slabClass) size=\(seen.size)".utf8)
    }

    /// `eviction` for all items that were evicted since the last time.
    func logEvictions() {
        let (items, lostCount) = shared.store.evictions.take()
        shared.counts.add(UInt64(lostCount), to: .logDropped)
        for item in items {
            let left = item.exptime == .never ? -1 : Int64(item.exptime.secondsLeft(at: session.nowSecond))
            let slabClass = SlabClass.number(ofTotal: item.sizeBytes)
            shared.watchHub.log(
                .evictions,
                Array("type=eviction key=".utf8) + item.key.withBytes(Self.encoded)
                    + Array(
                        (" fetch=\(item.wasFetched ? "yes" : "no") ttl=\(left)"
                            + " la=\(session.nowSecond &- min(session.nowSecond, item.lastAccessSecond))"
                            + " clsid=\(slabClass) size=\(item.valueLength)").utf8))
        }
    }

    /// A key in a log line: like in the crawler's dumps.
    private static func encoded(_ key: Bytes) -> [UInt8] {
        var buffer = OutputBuffer(capacity: key.count * 3)
        buffer.write(percentEncoded: key)
        return buffer.unsent.array
    }
}

extension WatchHub {
    /// `conn_new` and `conn_close`.
    func log(_ connection: Client, isNew: Bool) {
        guard streams.contains(.connections) else { return }
        let peer = SocketAddress.peer(of: connection.net.descriptor)
        let isUnix = peer.family != .ipv4 && peer.family != .ipv6
        let place = isUnix ? "rip=unix rport=0 transport=local" : "rip=\(peer.host) rport=\(peer.port) transport=tcp"
        let reason =
            switch connection.net.closeReason {
            case .normal, .stop, .slowReader: "normal"
            case .idle: "idle_timeout"
            case .shutdown: "shutdown"
            default: "error"
            }
        log(
            .connections,
            Array(
                (isNew
                    ? "type=conn_new \(place) cfd=\(connection.net.descriptor)"
                    : "type=conn_close \(place) reason=\(reason) cfd=\(connection.net.descriptor)").utf8))
    }
}
