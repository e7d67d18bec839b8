// Random operations on names, on both doors, against dictionaries.
import Testing

@testable import MemStore

/// A tree in plain Swift: what each path is.
private struct Model {
    final class Node {
        var isDirectory: Bool
        var text: String?
        var children: [String: Node] = [:]
        init(isDirectory: Bool, text: String? = nil) {
            self.isDirectory = isDirectory
            self.text = text
        }
        func contains(_ other: Node) -> Bool {
            self === other || children.values.contains { $0.contains(other) }
        }
    }
    let root = Node(isDirectory: true)

    func node(_ path: String) throws -> Node {
        var node = root
        for name in path.split(separator: "/") {
            guard node.isDirectory else { throw StoreError.notDirectory }
            guard let next = node.children[String(name)] else { throw StoreError.noEntry }
            node = next
        }
        return node
    }
    func parent(_ path: String) throws -> (Node, String) {
        let names = path.split(separator: "/")
        let parent = try node(names.dropLast().joined(separator: "/"))
        guard parent.isDirectory else { throw StoreError.notDirectory }
        return (parent, String(names.last ?? ""))
    }
    func add(_ path: String, _ node: Node) throws {
        let (parent, name) = try parent(path)
        if parent.children[name] != nil { throw StoreError.exists }
        parent.children[name] = node
    }
    func remove(_ path: String, directory: Bool) throws {
        let (parent, name) = try parent(path)
        guard let node = parent.children[name] else { throw StoreError.noEntry }
        if directory {
            guard node.isDirectory else { throw StoreError.notDirectory }
            guard node.children.isEmpty else { throw StoreError.notEmpty }
        } else if node.isDirectory {
            throw StoreError.isDirectory
        }
        parent.children[name] = nil
    }
    func rename(_ path: String, _ newPath: String, _ mode: RenameMode) throws {
        // The order in which the tests' helper walks, so that the first error is the same.
        _ = try node(newPath.split(separator: "/").dropLast().joined(separator: "/"))
        let (parent, name) = try parent(path)
        let (newParent, newName) = try self.parent(newPath)
        guard let node = parent.children[name] else { throw StoreError.noEntry }
        let present = newParent.children[newName]
        if mode == .noReplace, present != nil { throw StoreError.exists }
        if node.isDirectory, node.contains(newParent) { throw StoreError.invalid }
        guard let present else {
            if mode == .exchange { throw StoreError.noEntry }
            parent.children[name] = nil
            newParent.children[newName] = node
            return
        }
        if present === node { return }
        if mode == .exchange {
            if present.isDirectory, present.contains(parent) { throw StoreError.invalid }
            parent.children[name] = present
            newParent.children[newName] = node
            return
        }
        if present.isDirectory {
            guard node.isDirectory else { throw StoreError.isDirectory }
            guard present.children.isEmpty else { throw StoreError.notEmpty }
        } else if node.isDirectory {
            throw StoreError.notDirectory
        }
        parent.children[name] = nil
        newParent.children[newName] = node
    }

    /// What a `set` by the port does.
    func set(_ path: String, _ text: String) -> Outcome {
        var node = root
        var names = path.split(separator: "/").map(String.init)
        let last = names.removeLast()
        for name in names {
            if node.children[name] == nil { if canMake(names, last) { node.children[name] = Node(isDirectory: true) } }
            guard let next = node.children[name] else { return .notDirectory }
            guard next.isDirectory else { return .notDirectory }
            node = next
        }
        if let present = node.children[last] {
            if present.isDirectory { return .isDirectory }
            present.text = text
        } else {
            node.children[last] = Node(isDirectory: false, text: text)
        }
        return .done
    }
    private func canMake(_ names: [String], _ last: String) -> Bool {
        var node = root
        for name in names {
            guard let next = node.children[name] else { return true }
            guard next.isDirectory else { return false }
            node = next
        }
        return true
    }
}

@Suite("Tree against a plain model") struct TreeModelTests {
    @Test("random operations on names agree with dictionaries", arguments: [UInt64(1), 2, 3])
    func agrees(seed: UInt64) throws {
        try compare(seed: seed, steps: 3000, limitMiB: seed == 2 ? 2 : 16, checkedEvery: 50)
    }

    @Test("so do as many as are asked for, checked all through") func longRun() throws {
        // Renaming takes nodes deeper than any path that is asked for, so a tree that is kept for long only grows.
        let (seed, count, most) = (Property.seed("tree"), Property.operationCount(3000), 10_000)
        for first in stride(from: 0, to: count, by: most) {
            try compare(
                seed: seed &+ UInt64(first / most), steps: min(most, count - first), limitMiB: 4, checkedEvery: 1)
        }
    }

    private func compare(seed: UInt64, steps: Int, limitMiB: Int, checkedEvery: Int) throws {
        let store = try TestStore(limitMiB: limitMiB) {
            $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: [])
        }
        try store.change("/") { $0.mode = 0o777 }
        let model = Model()
        var random = SeededRandom(seed)
        var outcomes: [String: Int] = [:]
        func path() -> String {
            (0...random.below(3)).reduce("") { path, _ in
                path + "/" + String(UnicodeScalar(UInt8(97 + random.below(4))))
            }
        }
        func result(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "done"
        }
        for step in 0..<steps {
            let one = path()
            let two = path()
            let (mine, theirs): (String, String)
            switch random.below(10) {
            case 0:
                (mine, theirs) = (
                    result { try store.makeDirectory(one) }, result { try model.add(one, .init(isDirectory: true)) }
                )
            case 1:
                (mine, theirs) = (
                    result { try store.makeNode(one) }, result { try model.add(one, .init(isDirectory: false)) }
                )
            case 2:
                (mine, theirs) = (result { try store.unlink(one) }, result { try model.remove(one, directory: false) })
            case 3:
                (mine, theirs) = (
                    result { try store.removeDirectory(one) }, result { try model.remove(one, directory: true) }
                )
            case 4, 5:
                (mine, theirs) = (
                    result { try store.rename(one, to: two) }, result { try model.rename(one, two, .replace) }
                )
            case 6:
                (mine, theirs) = (
                    result { try store.rename(one, to: two, .exchange) },
                    result { try model.rename(one, two, .exchange) }
                )
            case 7:
                (mine, theirs) = (
                    result { try store.rename(one, to: two, .noReplace) },
                    result { try model.rename(one, two, .noReplace) }
                )
            case 8:
                let text = String(random.next())
                (mine, theirs) = ("\(store.set("memfis://h" + one, text).outcome)", "\(model.set(one, text))")
            default:
                let node = try? model.node(one)
                (mine, theirs) = (store.page(one) ?? "miss", node?.text ?? "miss")
            }
            try #require(mine == theirs, "step \(step) of seed \(seed): \(one) \(two)")
            outcomes[mine.count > 15 ? "text" : mine, default: 0] += 1
            if step % checkedEvery == 0 { store.check() }
        }
        store.check()
        try compare(store, model.root, "")
        for outcome in [
            "done", "exists", "noEntry", "notDirectory", "isDirectory", "notEmpty", "invalid", "text", "miss",
        ] {
            #expect(outcomes[outcome, default: 0] > 0, "\(outcome) never came")
        }
    }

    private func compare(_ store: TestStore, _ node: Model.Node, _ path: String) throws {
        guard node.isDirectory else {
            #expect(store.page(path) == node.text)
            return
        }
        #expect(try Set(store.names(path.isEmpty ? "/" : path)) == Set(node.children.keys))
        for (name, child) in node.children { try compare(store, child, path + "/" + name) }
    }

    @Test("a large directory is filled and emptied in random order")
    func large() throws {
        let store = try TestStore(limitMiB: 64)
        var random = SeededRandom(9)
        var names = (0..<30_000).map { "/d/entry \($0)" }
        try store.makeDirectory("/d")
        for name in names { try store.makeNode(name) }
        store.check()
        names.shuffle(using: &random)
        for name in names[..<25_000] { try store.unlink(name) }
        store.check()
        #expect(try Set(store.names("/d").map { "/d/" + $0 }) == Set(names[25_000...]))
        for name in names[25_000...] { try store.unlink(name) }
        try store.removeDirectory("/d")
        store.check()
    }
}
