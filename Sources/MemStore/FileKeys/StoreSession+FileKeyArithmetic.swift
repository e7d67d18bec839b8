// FileItems+Arithmetic: incr and decr on file keys.

extension StoreSession {
    /// Most bytes of a value that are looked at for a number, and most that are padded with blanks.
    private static let numberPrefixMax = 128
    private static let numberSizeMax = 1 << 19

    /// incr, decr, `ma`.
    func fileArithmetic(_ key: Bytes, _ command: ArithmeticCommand) -> ArithmeticResult {
        var result = ArithmeticResult(outcome: .permissionDenied)
        if tree.rules.filesReadOnly { return result }
        do throws(StoreError) {
            result.outcome = try withMemory { () throws(StoreError) in
                guard tree.hasRoomForInvalidations else { throw .noSpace }
                return attempt(arithmeticStep(key, command, &result))
            }
        } catch {
            return ArithmeticResult(outcome: .noMemory)
        }
        return result
    }

    private func arithmeticStep(
        _ key: Bytes, _ command: ArithmeticCommand, _ result: inout ArithmeticResult
    ) -> StoreStep {
        // The new number tells the old one.
        switch locateForWrite(key, &result.previous, wanted: Access.read | Access.write) {
        case .refused(let outcome): return .refused(outcome)
        case .existing(let inode, let shard) where inode.fields.state.contains(.published):
            result.previous = .present
            let (exptime, generation) = (inode.fields.exptime, inode.fields.generation)
            let step = count(inode, shard, command, &result)
            let hasNewExptime = inode.fields.exptime != exptime
            shard.unlock()
            if hasNewExptime { result.pendingInvalidations += invalidateNames(of: inode.ino, generation: generation) }
            return step
        case .existing(_, let shard):
            shard.unlock()
            return create(key, command, &result)
        case .missing: return create(key, command, &result)
        }
    }

    /// Counts on an existing file; its shard is locked.
    private func count(
        _ inode: InodeReference, _ shard: Shard, _ command: ArithmeticCommand,
        _ result: inout ArithmeticResult
    ) -> StoreStep {
        let size = Int(inode.fields.publishedSize)
        if size == 0 || size > Self.numberSizeMax { return .refused(.nonNumeric) }
        if let token = command.compareCas, token != 0, token != shownCas(inode) { return .refused(.exists) }
        guard let number = number(in: inode.fields.published, shard) else {
            return .refused(.nonNumeric)
        }
        let new = Numeral.apply(command, to: number)
        // A new number that is not longer keeps the value's length: blanks follow it.
        var text = digits(of: new)
        while text.count < size { text.append(UInt8(ascii: " ")) }
        let need = text.withBytes { self.need(forMaking: .bytes($0)) }.joined(with: MemoryNeed(blocks: 1))
        let growth = shard.cost(ofMaking: text.count) - Int(shard.allocatedBytes(inode.fields.live))
        guard holds(need), hasFileRoom(for: growth) else { return .reserve(need, growth: growth) }
        if hasPrivileges(inode) { return .privileged(Ino(UInt64(inode.ino))) }
        let content = text.withBytes { shard.makeContent(.bytes($0), &state.reservation) }
        tree.replaceContents(of: inode, with: content, cas: command.newCas ?? shard.nextCas(), shard)
        result.exptimeBefore = inode.fields.exptime
        if let exptime = command.touch { tree.setExpiry(of: inode, to: exptime, &state.reservation) }
        result.exptime = inode.fields.exptime
        result.number = new
        result.cas = shownCas(inode)
        result.isBinaryKey = inode.fields.state.contains(.binaryKey)
        result.pendingInvalidations += tree.invalidate(.content, of: inode, token: invalidationToken)
        return .done
    }

    private func number(in content: Content, _ shard: Shard) -> UInt64? {
        let text = unsafe [UInt8](unsafeUninitializedCapacity: Self.numberPrefixMax) { buffer, count in
            let length = min(Self.numberPrefixMax, Int(content.size))
            let part = unsafe UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: length)
            count = unsafe length == 0 ? 0 : shard.read(content, at: 0, into: part)
        }
        return text.withBytes { Numeral.parse($0) }
    }

    private func digits(of number: UInt64) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Numeral.digitCountMax) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            count = unsafe Numeral.write(number, to: start)
        }
    }

    private func create(
        _ key: Bytes, _ command: ArithmeticCommand, _ result: inout ArithmeticResult
    ) -> StoreStep {
        guard let exptime = command.vivifyExptime else { return .refused(.notFound) }
        var store = StoreCommand(mode: .add, exptime: exptime)
        store.newCas = command.newCas
        store.isBinaryKey = command.isBinaryKey
        let stored = digits(of: command.initial).withBytes { fileStore(key, .bytes($0), store) }
        if stored.outcome == .notStored { return .again }
        guard stored.outcome == .done else { return .refused(stored.outcome) }
        result.number = command.initial
        result.cas = stored.cas
        result.exptimeBefore = exptime
        result.exptime = exptime
        result.isCreated = true
        result.isBinaryKey = command.isBinaryKey
        result.pendingInvalidations += stored.pendingInvalidations
        return .done
    }
}
