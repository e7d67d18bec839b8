// ConnectionCell: a connection at a fixed address, which epoll carries, and its protocol's own part behind it:
//
//     ┌─────────────────────────────┬──────────────────────────────┐
//     │ Connection (the event loop) │ State (the protocol)         │   one allocation
//     └─────────────────────────────┴──────────────────────────────┘

/// Where a connection lies.
///
/// SAFETY: the memory belongs to the worker that has the connection, which frees it when no event can name it any more. It
/// has room for the state of the connection's protocol, which alone reads it, as one type.
@safe public struct ConnectionCell: @unchecked Sendable, Equatable {  // used by the one worker that has it
    @usableFromInline let pointer: UnsafeMutablePointer<Connection>

    /// A connection with `stateBytes` bytes of zeros behind it, which the protocol makes its state of (`ServedProtocol.open`).
    public init(_ connection: Connection, stateBytes: Int) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.stateOffset + stateBytes, alignment: 16)
        unsafe pointer = memory.bindMemory(to: Connection.self, capacity: 1)
        unsafe pointer.initialize(to: connection)
    }

    /// The same bytes in memory of the calling thread; the old ones are left to `free`. The protocol's part is moved as
    /// bytes: between two requests it owns nothing.
    func moved(stateBytes: Int) -> ConnectionCell {
        let copy = ConnectionCell(net, stateBytes: stateBytes)
        unsafe (UnsafeMutableRawPointer(copy.pointer) + Self.stateOffset).copyMemory(
            from: UnsafeRawPointer(pointer) + Self.stateOffset, byteCount: stateBytes)
        // The copy has it now.
        net.loggedPeer = nil
        return copy
    }

    /// The cell that `address` names (see there).
    @unsafe @inline(__always) init(address: UInt64) {
        unsafe pointer = UnsafeMutablePointer(bitPattern: UInt(address)).unsafelyUnwrapped
    }

    /// The address as a number, to be carried through the kernel; never 0.
    @inline(__always) var address: UInt64 { UInt64(UInt(bitPattern: unsafe pointer)) }

    /// The event loop's part, read and changed in place.
    @inlinable @inline(__always) public var net: Connection {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// Where the event loop's part lies, for a protocol's own view of the cell.
    @unsafe @inlinable @inline(__always) public var netAddress: UnsafePointer<Connection> {
        unsafe UnsafePointer(pointer)
    }

    /// Bytes from the beginning to the protocol's part.
    @inlinable static var stateOffset: Int { (MemoryLayout<Connection>.size + 7) & ~7 }

    /// The protocol's part; its alignment is at most 8.
    @unsafe @inlinable @inline(__always)
    public func state<State>(as type: State.Type) -> UnsafeMutablePointer<State> {
        unsafe (UnsafeMutableRawPointer(pointer) + Self.stateOffset).assumingMemoryBound(to: type)
    }

    /// Ends the event loop's part and frees the memory. The protocol's part has ended (`ServedProtocol.end`), or was moved.
    public func free() {
        net.loggedPeer?.destroy()
        unsafe pointer.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(pointer).deallocate()
    }

    public static func == (left: Self, right: Self) -> Bool { unsafe left.pointer == right.pointer }
}
