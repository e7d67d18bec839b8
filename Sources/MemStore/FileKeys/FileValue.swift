// FileValue: the value that a storage command brings, on its way into a file. It may have to be joined to what is
// there, in steps between which the file can change, and must be ended once, whatever happens.

/// A value in one of its forms.
///
/// SAFETY: `memory` is its own and freed by `end`.
@safe struct FileValue {
    private enum Form {
        case source(ValueSource)
        /// A content of this shard with one holder, which is the value.
        case made(Content, Shard)
        case used
    }
    private var form: Form
    /// Bytes.
    let count: Int
    private var memory: UnsafeMutableRawPointer?

    init(_ source: ValueSource) {
        form = .source(source)
        count = source.count
        unsafe memory = nil
    }

    /// What `makeContent` may take at most.
    func needForMaking(_ session: StoreSession) -> MemoryNeed {
        if case .source(let source) = form { return session.need(forMaking: source) }
        return MemoryNeed()
    }

    /// Bytes that files will take more when it is stored.
    func growth(in shard: Shard) -> Int {
        if case .source = form { return shard.cost(ofMaking: count) }
        return 0
    }

    /// The value as a content of `shard`, which is locked; its holder is the caller's. Nil when it is one of another
    /// shard already (see `materialize`).
    mutating func makeContent(in shard: Shard, _ reservation: inout Reservation) -> Content? {
        switch form {
        case .source(let source):
            form = .used
            return shard.makeContent(source, &reservation)
        case .made(let content, let owner):
            guard owner.number == shard.number else { return nil }
            form = .used
            return content
        case .used:
            preconditionFailure("a value was stored twice")
        }
    }

    /// Makes a content of a value that arrived in pieces, so that it can be read and still be stored. No lock is held.
    mutating func hold(in shard: Shard, _ session: StoreSession) throws(StoreError) {
        guard case .source(.pending(let value)) = form else { return }
        try session.reserve(needForMaking(session))
        shard.lock()
        form = .made(shard.makeContent(.pending(value), &session.state.reservation), shard)
        shard.unlock()
    }

    /// Takes a content that belongs to a shard out of it again, for the rare case that it must go to another.
    mutating func materialize(_ session: StoreSession) {
        guard case .made(let content, let shard) = form else { return }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, count), alignment: 16)
        unsafe memory = copy
        shard.lock()
        _ = unsafe shard.read(content, at: 0, into: UnsafeMutableRawBufferPointer(start: copy, count: count))
        shard.release(content)
        shard.unlock()
        form = .source(.bytes(unsafe Bytes(copy, count: count)))
    }

    /// Writes the value into a content of `shard` that is the caller's own. No lock is held.
    func write(to content: inout Content, at offset: UInt64, in shard: Shard, _ session: StoreSession)
        throws(StoreError)
    {
        switch form {
        case .source(.bytes(let bytes)): try session.write(bytes, to: &content, at: offset, in: shard)
        case .made(let own, let owner): try session.copy(own, in: owner, to: &content, at: offset, in: shard)
        case .source(.pending), .used: preconditionFailure("a value that cannot be read")
        }
    }

    /// Frees what was not stored. No lock is held.
    mutating func end(_ session: StoreSession) {
        switch form {
        case .source(.pending(let value)): session.abandon(value)
        case .made(let content, let shard):
            shard.lock()
            shard.release(content)
            shard.unlock()
        case .source(.bytes), .used: break
        }
        form = .used
        unsafe memory?.deallocate()
        unsafe memory = nil
    }
}

extension StoreSession {
    /// Writes bytes into a content that nobody else changes, in steps. No lock is held.
    func write(_ bytes: Bytes, to content: inout Content, at offset: UInt64, in shard: Shard) throws(StoreError) {
        var position = 0
        while position < bytes.count {
            let step = bytes[position..<min(bytes.count, position + Limits.copyStepBytes)]
            let start = offset + UInt64(position)
            try reserve(need(forWriteAt: start, count: step.count, into: content))
            shard.lock()
            shard.write(&content, at: start, step, &state.reservation)
            shard.unlock()
            position += step.count
        }
    }

    private func nextData(of content: Content, from position: UInt64, in shard: Shard) -> UInt64? {
        shard.lock()
        defer { shard.unlock() }
        return shard.seek(content, from: position, hole: false)
    }

    /// Adds a hole up to `size`.
    private func extend(_ content: inout Content, to size: UInt64, in shard: Shard) throws(StoreError) {
        guard size > content.size else { return }
        try reserve(need(forCutOf: content))
        shard.lock()
        shard.truncate(&content, to: size, &state.reservation)
        shard.unlock()
    }

    /// Copies a content that the caller holds into another that nobody else changes; its holes stay holes. No lock is
    /// held.
    func copy(
        _ source: Content, in sourceShard: Shard, to content: inout Content, at offset: UInt64, in shard: Shard
    ) throws(StoreError) {
        var target = content
        defer { content = target }
        try unsafe withScratch(of: Limits.copyStepBytes) { (buffer) throws(StoreError) in
            var position: UInt64 = 0
            while position < source.size {
                guard let next = nextData(of: source, from: position, in: sourceShard) else {
                    return try extend(&target, to: offset + source.size, in: shard)
                }
                position = next
                let length = Int(min(UInt64(buffer.count), source.size - position))
                sourceShard.lock()
                let count = unsafe sourceShard.read(
                    source, at: position, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<length]))
                sourceShard.unlock()
                precondition(count == length, "a content is shorter than its size")
                let bytes = unsafe Bytes(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
                try write(bytes, to: &target, at: offset + position, in: shard)
                position += UInt64(length)
            }
        }
    }
}
