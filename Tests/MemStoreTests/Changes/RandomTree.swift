// RandomTree: operations of every kind on a small tree, on both doors, with expiry, eviction and too little memory among them.
#if OBSERVED
    import Testing

    @testable import MemStore

    /// A store and the operations that chance chooses. Most of them fail, or find nothing: that is told of as well, or not at all.
    struct RandomTree {
        let store: TestStore
        private var random: SeededRandom
        /// Files that stay open and known, as by programs and a kernel.
        private var held: [Ino] = []
        private(set) var outcomes: [String: Int] = [:]
        /// Bytes of a large file: a few of them are more than there is room for.
        private let largeBytes: Int

        init(seed: UInt64, limitMiB: Int, evictsFiles: Bool, filesMaxMiB: Int?) throws {
            store = try TestStore(limitMiB: limitMiB) {
                $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: [])
                $0.evictsFiles = evictsFiles
                if let filesMaxMiB { $0.filesMaxBytes = filesMaxMiB << 20 }
                $0.publishIntervalSeconds = 0
            }
            try store.change("/") { $0.mode = 0o777 }
            random = SeededRandom(seed)
            largeBytes = (filesMaxMiB ?? limitMiB) << 18
        }

        private mutating func path() -> String {
            (0...random.below(chance(9) ? 3 : 2)).reduce("") { path, _ in
                path + "/" + String(UnicodeScalar(UInt8(97 + random.below(5))))
            }
        }

        private mutating func chance(_ one: Int) -> Bool { random.below(one) == 0 }

        private mutating func bytes() -> [UInt8] {
            random.bytes(random.below(chance(8) ? min(largeBytes, 700_000) : 600))
        }

        /// One operation; what it came to is counted.
        mutating func step() {
            let kind = random.below(12)
            do {
                switch kind {
                case 0: try makeNode()
                case 1: try removeNode()
                case 2: try rename()
                case 3: try changeAttributes()
                case 4, 5: try changeContent()
                case 6: try hold()
                case 7: changeExtended()
                case 8, 9: useThePort()
                case 10: letTimePass()
                default: churn()
                }
                outcomes["done", default: 0] += 1
            } catch {
                outcomes["\(error)", default: 0] += 1
            }
        }

        private mutating func makeNode() throws {
            let path = path()
            switch random.below(8) {
            case 0: try store.makeDirectory(path)
            case 1..<6: try store.write(path, bytes())
            case 6: try store.makeSymlink(path, to: self.path())
            default: try store.makeNode(path, mode: chance(2) ? 0o020644 : 0o010644, device: UInt32(random.below(900)))
            }
        }

        private mutating func removeNode() throws {
            let path = path()
            if chance(3) { try store.removeDirectory(path) } else { try store.unlink(path) }
        }

        private mutating func rename() throws {
            let (one, two) = (path(), path())
            let modes: [RenameMode] = [.replace, .replace, .noReplace, .exchange, .whiteout, .whiteoutNoReplace]
            if chance(4) {
                try store.link(one, as: two)
            } else {
                try store.rename(one, to: two, modes[random.below(6)])
            }
        }

        private mutating func changeAttributes() throws {
            let path = path()
            let (number, isOpen) = (random.below(8), chance(2))
            try store.change(path, isOpen: isOpen) { changes in
                switch number {
                case 0: changes.mode = 0o6755
                case 1: changes.mode = 0o640
                case 2: (changes.uid, changes.clearedMode) = (1001, 0o6000)
                case 3: changes.gid = 1002
                case 4: changes.atime = .now
                case 5: changes.mtime = .at(Timestamp(seconds: 5, nanoseconds: 7))
                case 6: changes.size = 0
                default: changes.size = 70_000
                }
            }
            if chance(3) { store.session.countAccess(to: try store.ino(path)) }
        }

        private mutating func changeContent() throws {
            let ino = try store.ino(path())
            let offset = UInt64(random.below(chance(10) ? 200_000 : 500))
            switch random.below(9) {
            case 0, 1: try store.writePart(ino, at: offset, bytes())
            case 2: try store.writePart(ino, at: nil, bytes(), isAppending: true)
            case 3: store.session.publish(ino)
            case 4: try store.session.syncFile(ino)
            case 5:
                let modes: [AllocateMode] = [.allocate, .keepSize, .punchHole, .zeroRange, .zeroRangeKeepSize]
                let length = UInt64(1 + random.below(90_000))
                try store.session.allocate(ino, at: offset, length: length, mode: modes[random.below(5)])
            case 6:
                let source = try store.ino(path())
                _ = try store.session.copyRange(from: source, at: 0, to: ino, at: offset & ~0xffff, length: 140_000)
            case 7: try store.writePart(ino, at: 1 << 60, "too far")
            default: _ = store.session.publishDueAppends(limit: 10)
            }
        }

        /// Opens and looks up, or gives one back.
        private mutating func hold() throws {
            if held.count > 4 || chance(2), !held.isEmpty {
                let ino = held.remove(at: random.below(held.count))
                store.session.releaseFile(ino, publishes: chance(2))
                store.session.forget(ino, count: 1)
                return
            }
            let path = path()
            let ino = try store.ino(path)
            try store.session.openFile(ino)
            let name = Array(path.split(separator: "/").last!.utf8)
            let parent = path.split(separator: "/").dropLast().joined(separator: "/")
            let directory = try store.ino("/" + parent)
            _ = try name.withBytes { (name) throws(StoreError) in try store.session.lookup(name, in: directory) }
            held.append(ino)
        }

        private mutating func changeExtended() {
            guard let ino = try? store.ino(path()) else { return }
            let names = ["user.a", "user.b", "user.memcached.flags", "user.memcached.exptime"]
            let name = Array(names[random.below(4)].utf8)
            if chance(3) {
                try? name.withBytes { (name) throws(StoreError) in
                    try store.session.removeExtendedAttribute(name, of: ino)
                }
                return
            }
            let text = Array("\(random.below(100))".utf8)
            try? name.withBytes { (name) throws(StoreError) in
                try text.withBytes { (value) throws(StoreError) in
                    try store.session.setExtendedAttribute(
                        name, of: ino, to: value, mustExist: false, mustNotExist: false)
                }
            }
        }

        private mutating func useThePort() {
            let key = "memfis://h" + path()
            var command = StoreCommand(mode: .set)
            if chance(4) { command.exptime = Exptime(second: store.session.nowSecond + UInt32(random.below(4)) + 1) }
            if chance(4) { command.flags = UInt32(random.below(100)) }
            if chance(8) { command.isBinaryKey = true }
            switch random.below(10) {
            case 0, 1: store.set(key, bytes(), command)
            case 2: _ = store.setInPieces(key, bytes(), step: 700, command)
            case 3: store.set(key, bytes(), StoreCommand(mode: .append))
            case 4: store.set(key, bytes(), StoreCommand(mode: .prepend))
            case 5: store.set(key, "41", command)
            case 6:
                var count = ArithmeticCommand()
                if chance(2) { count.vivifyExptime = .never }
                if chance(2) { count.touch = command.exptime }
                _ = store.arithmetic(key, count)
            case 7: _ = store.delete(key)
            case 8:
                var delete = DeleteCommand()
                if chance(2) { delete.marksStale = true } else { delete.clearsValue = true }
                _ = store.delete(key, delete)
            default:
                var options = GetOptions()
                options.touch = command.exptime
                options.handlesMarks = chance(2)
                if chance(4) { options.vivify = .never }
                _ = store.get(key, options)
            }
        }

        private mutating func letTimePass() {
            if chance(3) { store.advance(seconds: 1) }
            _ = store.session.expireFiles(limit: 3)
        }

        /// Items that come and go, and push the memory of files about.
        private mutating func churn() {
            for _ in 0..<10 {
                let size = [30, 3000, 30_000][random.below(3)]
                store.set("item-\(random.below(300))", [UInt8](repeating: 7, count: size))
            }
            if chance(20) { store.session.flushItems(at: nil) }
            _ = store.session.reclaim(isAhead: true)
        }
    }
#endif
