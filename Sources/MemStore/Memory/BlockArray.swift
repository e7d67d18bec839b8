// BlockArray: an array that grows and shrinks by one element at its end, in
// arena blocks, and never moves.

/// An array of plain elements in arena blocks.
///
/// SAFETY: the blocks are the array's from `append` to `removeLast`; an index is below `count`, which the caller
/// keeps, under the lock that guards the array.
@safe struct BlockArray<Element: BitwiseCopyable> {
    private let memory: TableMemory
    private let table: BlockTable
    private let perBlockShift: Int

    /// An empty array that can have `capacity` elements at most.
    init(memory: TableMemory, capacity: Int) throws(StoreSetupError) {
        self.memory = memory
        let perBlock = memory.arena.blockSizeBytes / MemoryLayout<Element>.stride
        precondition(perBlock.nonzeroBitCount == 1, "an element's size is a power of two")
        perBlockShift = perBlock.trailingZeroBitCount
        table = try BlockTable(capacity: capacity >> perBlockShift)
    }

    /// Frees the table; the blocks are the arena's.
    func destroy() { table.destroy() }

    /// Most elements that the array can have.
    var capacity: Int { table.capacity << perBlockShift }

    /// The address of an element.
    @unsafe @inline(__always) func address(_ index: Int) -> UnsafeMutablePointer<Element> {
        let offset = (index & ((1 << perBlockShift) - 1)) &* MemoryLayout<Element>.stride
        return unsafe (memory.arena.address(ofBlock: table[index >> perBlockShift]) + offset)
            .assumingMemoryBound(to: Element.self)
    }

    subscript(index: Int) -> Element {
        @inline(__always) get { unsafe address(index).pointee }
        nonmutating set { unsafe address(index).pointee = newValue }
    }

    /// Adds an element behind the `count` there are; takes a block of the reservation when the last is full.
    func append(_ element: Element, count: Int, _ reservation: inout Reservation) {
        if count & ((1 << perBlockShift) - 1) == 0 { table[count >> perBlockShift] = memory.takeBlock(&reservation) }
        self[count] = element
    }

    /// Drops the last of `count` elements and gives its block back when it was the first there.
    func removeLast(count: Int) {
        let index = count - 1
        guard index & ((1 << perBlockShift) - 1) == 0 else { return }
        memory.giveBack(table[index >> perBlockShift])
        table[index >> perBlockShift] = 0
    }
}
