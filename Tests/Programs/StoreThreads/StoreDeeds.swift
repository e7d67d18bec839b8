// What the threads of store-threads do: commands on items and on files, each value such that a torn one is seen.
import Glibc
import MemStore

extension [UInt8] {
    func withBytes<R>(_ body: (Bytes) -> R) -> R { unsafe withUnsafeBytes { unsafe body(Bytes($0)) } }
}

/// A value that shows tearing: one letter, over and over, of a length that the letter tells.
private func someValue(_ dice: inout Dice) -> [UInt8] {
    let letter = dice.below(26)
    return [UInt8](repeating: UInt8(97 + letter), count: length(ofLetter: letter))
}

private func length(ofLetter letter: Int) -> Int { letter < 20 ? 1 + letter * 150 : (letter - 19) * 20_000 }

private func isWhole(_ value: Bytes, of total: Int, first: UInt8?) -> Bool {
    guard let first, (97..<123).contains(first) else { return false }
    guard total == length(ofLetter: Int(first) - 97) else { return false }
    for index in 0..<value.count where value[index] != first { return false }
    return true
}

/// Reads a value as a connection would: the head by reference after the lock is given back, the tail at once.
private func read(_ view: ItemView, _ session: StoreSession, _ deeds: inout Deeds) {
    guard view.isHit else { return deeds.add("miss") }
    let lease = view.headLength > 0 ? session.lease(view) : ContentLease()
    var first: UInt8? = view.tail.count > 0 ? view.tail[0] : nil
    if view.tail.count > 0, !isWhole(view.tail, of: view.size, first: first) { deeds.add("torn tail") }
    session.endGet(view)
    var position = 0
    while position < view.headLength {
        let run = session.pinRun(lease, at: position, maxLength: 30_000)
        first = first ?? run[0]
        if !isWhole(run, of: view.size, first: first) { deeds.add("torn run") }
        position += run.count
        session.unpin(run)
    }
    session.release(lease)
    deeds.add("hit")
}

/// Reads a file the short way, as a worker does for a group of connections. It is open when nobody has changed a name since
/// the directory was remembered.
private func readQuickly(_ key: Bytes, _ session: StoreSession, _ deeds: inout Deeds) {
    var lookups = FileLookups(capacity: 1)
    let index = lookups.add(key)
    lookups.run(session)
    let quick = session.beginQuickGet(lookups.found(index), withCas: true)
    guard quick.isHit else {
        deeds.add(quick.isLeft ? "short way to a large one" : "no short way")
        return read(session.beginGet(key, hash: 0, after: quick), session, &deeds)
    }
    if !isWhole(quick.value, of: quick.value.count, first: quick.value[0]) { deeds.add("torn short value") }
    session.endGet(quick)
    deeds.add("short hit")
}

/// One command on an item.
func itemDeed(_ session: StoreSession, _ dice: inout Dice, _ deeds: inout Deeds) {
    if dice.below(16) == 0 { session.refreshClock() }
    Array("key-\(dice.below(4000))".utf8).withBytes { key in
        let hash = session.hash(key)
        switch dice.below(10) {
        case 0..<4:
            let exptime = dice.below(5) == 0 ? Exptime(second: session.nowSecond + 1) : .never
            let outcome = someValue(&dice).withBytes {
                session.store(key, hash: hash, value: $0, StoreCommand(mode: .set, exptime: exptime)).outcome
            }
            deeds.add("set \(outcome)")
        case 4: deeds.add("delete \(session.delete(key, hash: hash, DeleteCommand()).outcome)")
        case 5:
            var options = GetOptions()
            options.touch = Exptime(second: session.nowSecond + 2)
            let view = session.beginGet(key, hash: hash, options: options)
            deeds.add(view.isHit ? "touch" : "touch missed")
            session.endGet(view)
        default: read(session.beginGet(key, hash: hash), session, &deeds)
        }
    }
}

/// One change or reading of a file, through either door.
func fileDeed(_ session: StoreSession, _ dice: inout Dice, _ deeds: inout Deeds) {
    if dice.below(16) == 0 { session.refreshClock() }
    let name = Array("f\(dice.below(60))".utf8)
    (Array("memfis://h/".utf8) + name).withBytes { key in
        switch dice.below(10) {
        case 0..<3:
            let outcome = someValue(&dice).withBytes {
                session.store(key, hash: session.hash(key), value: $0, StoreCommand(mode: .set)).outcome
            }
            deeds.add("set \(outcome)")
        case 3: deeds.add("delete \(session.delete(key, hash: session.hash(key), DeleteCommand()).outcome)")
        case 4..<6: name.withBytes { deeds.add(rewrite($0, session, &dice) ? "rewrite" : "rewrite refused") }
        case 6:
            let target = Array("f\(dice.below(60))".utf8)
            let isDone = name.withBytes { name in
                target.withBytes {
                    (try? session.rename(name, in: .root, to: $0, in: .root, mode: .replace)) != nil
                }
            }
            deeds.add(isDone ? "rename" : "rename refused")
        case 7: name.withBytes { deeds.add(changeMode($0, session, &dice) ? "chmod" : "chmod refused") }
        default:
            read(session.beginGet(key, hash: 0), session, &deeds)
            readQuickly(key, session, &deeds)
        }
    }
}

/// Takes the right to read a file from all, or gives it back.
private func changeMode(_ name: Bytes, _ session: StoreSession, _ dice: inout Dice) -> Bool {
    guard let found = try? session.lookup(name, in: .root) else { return false }
    defer { session.forget(found.ino, count: 1) }
    var changes = AttributeChanges()
    changes.mode = dice.below(4) == 0 ? 0o200 : 0o644
    return (try? session.setAttributes(of: found.ino, changes, isOpen: false)) != nil
}

/// Writes a file anew and renames it over the old one, as an editor would.
private func rewrite(_ name: Bytes, _ session: StoreSession, _ dice: inout Dice) -> Bool {
    let value = someValue(&dice)
    let temporary = Array("t\(dice.state)".utf8)
    return temporary.withBytes { temporary in
        guard
            let made = try? session.makeNode(
                temporary, in: .root, mode: 0o100644, device: 0, caller: Caller(uid: 1000, gid: 1000))
        else { return false }
        defer { session.forget(made.ino, count: 1) }
        guard (try? session.openFile(made.ino)) != nil else { return false }
        let isWritten = value.withBytes {
            (try? session.writeFile(made.ino, at: 0, $0, isAppending: false, clearsPrivileges: false)) != nil
        }
        session.releaseFile(made.ino)
        let isMoved =
            isWritten && (try? session.rename(temporary, in: .root, to: name, in: .root, mode: .replace)) != nil
        if !isMoved { try? session.unlink(temporary, in: .root) }
        return isMoved
    }
}
