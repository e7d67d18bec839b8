// Making a content of a value that came in through the port.
import Glibc

extension Shard {
    /// What `makeContent` may take at most.
    func need(forMaking source: ValueSource) -> MemoryNeed {
        switch source {
        case .bytes(let bytes): return Self.need(blocks: bytes.count >> blockShift + 1, arena: arena)
        // Its blocks are there; the nodes and the last piece are not.
        case .pending(let value):
            let need = Self.need(blocks: value.state.blockCount, arena: arena)
            return MemoryNeed(blocks: 0, segments: need.segments)
        }
    }

    /// A new content with one holder. A pending value is taken over, and ends.
    func makeContent(_ source: ValueSource, _ reservation: inout Reservation) -> Content {
        switch source {
        case .bytes(let bytes):
            var content = Content.empty
            write(&content, at: 0, bytes, &reservation)
            return content
        case .pending(let value):
            let content = takeOver(value, &reservation)
            value.deallocate()
            return content
        }
    }

    private func takeOver(_ value: PendingValue, _ reservation: inout Reservation) -> Content {
        let count = value.state.count
        guard count > 0, let blocks = unsafe value.state.blocks else {
            if let blocks = unsafe value.state.blocks {
                _ = unsafe arena.release(blocks, count: value.state.blockCount)
            }
            return .empty
        }
        let blockSize = arena.blockSizeBytes
        let used = (count + blockSize - 1) / blockSize
        if value.state.blockCount > used {
            _ = unsafe arena.release(blocks + used, count: value.state.blockCount - used)
        }
        countFiles(bytes: used * blockSize)
        // The list of blocks becomes the list of leaves in place.
        let rest = count - (used - 1) * blockSize
        if rest < blockSize * 7 / 8 {
            let last = unsafe blocks[used - 1]
            let piece = makePiece(length: rest, capacity: rest, &reservation)
            unsafe memcpy(bytes(ofPiece: piece), arena.address(ofBlock: last), rest)
            release(ContentReference(block: last), level: 0)
            unsafe blocks[used - 1] = ContentReference(piece: piece).rawValue
        } else if rest < blockSize {
            unsafe memset(arena.address(ofBlock: blocks[used - 1]) + rest, 0, blockSize - rest)
        }
        return unsafe Content(root: buildTree(over: blocks, count: used, &reservation).rawValue, size: UInt64(count))
    }

    /// Builds the nodes above `count` references, level by level, in place of the references themselves.
    @unsafe private func buildTree(
        over references: UnsafeMutablePointer<UInt32>, count: Int, _ reservation: inout Reservation
    ) -> ContentReference {
        var count = count
        var level = 0
        while count > 1 {
            var nodes = 0
            for first in stride(from: 0, to: count, by: ContentShape.fanout) {
                let entries = min(ContentShape.fanout, count - first)
                let length = ContentShape.nodeHeaderSizeBytes + 4 * entries
                let node = makePiece(length: length, capacity: length, &reservation)
                state.pieces[node].isNode = true
                var allocated: UInt64 = 0
                for index in first..<first + entries {
                    let reference = unsafe ContentReference(rawValue: references[index])
                    allocated += allocatedBytes(reference, level: level)
                    noteOwner(of: reference, node: node)
                }
                let start = unsafe bytes(ofPiece: node)
                unsafe start.storeBytes(of: allocated, as: UInt64.self)
                unsafe memcpy(start + ContentShape.nodeHeaderSizeBytes, references + first, 4 * entries)
                unsafe references[nodes] = ContentReference(piece: node).rawValue
                nodes += 1
            }
            count = nodes
            level += 1
        }
        return unsafe ContentReference(rawValue: references[0])
    }
}
