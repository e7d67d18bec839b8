// TreeChange: what can change of the tree, told at the one place where each thing changes.
//
// What files are, beyond the memory of this process, is a handful of plain facts: each inode's attributes, its published content,
// the content that programs on the mount see, its extended attributes, and which names there are. Whatever an operation is
// (a `set` of the port, a rename of the mount, an expiry, an eviction, a step of a preload), it changes these facts through the
// functions that are listed here and through no others:
//
//     attributes            Tree.changeAttributes, changeLinks, touch (Tree+Attributes), setExpiry, clearExpiry (Tree+Expiry),
//                           makeInode (Tree+Links)
//     live content          Tree.changeLive, setLive (Tree+Attributes)
//     published content     Tree.showLive, dropPublished, replaceContents, changePublished (Tree+Publishing)
//     extended attributes   StoreSession.setAllExtended (StoreSession+ExtendedAttributes)
//     names                 Tree.attach, removeEntry (Tree+Links)
//     the end of an inode   Tree.freeIfUnused (Tree+Links)
//
// Each of them tells what it has changed (`Tree.tell`), with the lock held under which it changed it: the order of the telling is
// a legal order of the operations. So whoever keeps a copy of the tree needs these places alone. What is told is that something
// is so now, not what was done: the state is read from the object, and telling twice does no harm.
//
// Not told, since they are of this process alone: who has what open or looked up, marks of use, what waits to be published, where
// contents lie in memory. A block that is moved changes no file.

/// A fact of the tree that is another one now.
enum TreeChange {
    /// Mode, owner, links, times, flags, exptime, version, marks, a device's number. A new inode begins with it.
    case attributes(InodeReference)
    /// The content that programs on the mount see, with the file's size and times; a symlink's target. The port sees nothing of it.
    case live(InodeReference)
    /// The published content or its absence, with its version and the attributes that went with it.
    case published(InodeReference)
    case extendedAttributes(InodeReference)
    /// The entry names its inode, a new one or another one than before.
    case name(EntryReference)
    /// The entry is about to go.
    case nameGone(EntryReference)
    /// The inode has nothing left and is about to be freed.
    case inodeGone(InodeReference)
}

#if OBSERVED
    /// Hears of each change of one store's tree, on the thread that makes it, with its locks held: it reads and calls nothing
    /// that takes a lock. Compiled for tests alone.
    final class TreeObserver: Sendable {
        let hear: @Sendable (TreeChange) -> Void
        init(_ hear: @escaping @Sendable (TreeChange) -> Void) { self.hear = hear }
    }
#endif

extension Tree {
    /// Says that something of the tree has changed. Nothing at all is compiled where nobody can listen.
    @inline(__always) func tell(_ change: @autoclosure () -> TreeChange) {
        #if OBSERVED
            if let observer = unsafe state.pointee.observer {
                unsafe observer._withUnsafeGuaranteedRef { $0.hear(change()) }
            }
        #endif
    }

    #if OBSERVED
        /// Begins to tell `observer`; it stays for the store's life. No other thread may use the store yet.
        func observe(_ observer: TreeObserver) {
            precondition(unsafe state.pointee.observer == nil, "a tree has one observer")
            unsafe state.pointee.observer = .passRetained(observer)
        }
    #endif
}
