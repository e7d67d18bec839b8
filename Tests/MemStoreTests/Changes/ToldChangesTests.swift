// Every change of the tree is told where it is made: a copy that is kept by the telling alone equals the tree at any time.
#if OBSERVED
    import Testing

    @testable import MemStore

    @Suite("Told changes") struct ToldChangesTests {
        /// Takes steps until the copy differs, or `count` are done.
        private func follow(
            seed: UInt64, count: Int, limitMiB: Int, evictsFiles: Bool = false, filesMaxMiB: Int? = nil,
            deafTo kind: ToldTree.Kind? = nil
        ) throws -> (difference: String?, told: ToldTree, tree: RandomTree) {
            var tree = try RandomTree(
                seed: seed, limitMiB: limitMiB, evictsFiles: evictsFiles, filesMaxMiB: filesMaxMiB)
            let told = ToldTree(tree.store.session.tree)
            told.deafTo = kind
            var seen = SeenContents()
            for step in 0..<count {
                tree.step()
                if let difference = told.copy.difference(from: tree.store.session.tree.plain(seen: &seen)) {
                    return ("step \(step) of seed \(seed): \(difference)", told, tree)
                }
            }
            return (nil, told, tree)
        }

        @Test(
            "a copy of the tree that is kept by what is told equals it after each of many random operations on both doors",
            arguments: [(8, false, nil), (2, false, nil), (3, true, nil), (8, false, 1)] as [(Int, Bool, Int?)])
        func copies(limitMiB: Int, evictsFiles: Bool, filesMaxMiB: Int?) throws {
            let count = Property.operationCount(6_000) / 4
            let result = try follow(
                seed: Property.seed("told changes"), count: count, limitMiB: limitMiB, evictsFiles: evictsFiles,
                filesMaxMiB: filesMaxMiB)
            #expect(result.difference == nil)
            for kind in ToldTree.Kind.allCases { #expect(result.told.counts[kind, default: 0] > 10, "\(kind)") }
            for outcome in ["done", "noEntry", "exists", "notEmpty", "fileTooLarge"] {
                #expect(result.tree.outcomes[outcome, default: 0] > 0, "\(outcome) never came")
            }
            if limitMiB == 2 || filesMaxMiB != nil { #expect(result.tree.outcomes["noSpace", default: 0] > 0) }
            if evictsFiles { #expect(result.tree.store.store.statistics().fileEvictions > 0) }
        }

        @Test(
            "a place that forgets to tell is found, whatever kind of change it makes", arguments: ToldTree.Kind.allCases
        )
        func forgets(kind: ToldTree.Kind) throws {
            let result = try follow(seed: 7, count: 2000, limitMiB: 8, deafTo: kind)
            #expect(result.difference != nil)
        }

        @Test("a field that is changed beside the known places is found")
        func besides() throws {
            let tree = try RandomTree(seed: 7, limitMiB: 8, evictsFiles: false, filesMaxMiB: nil)
            try tree.store.write("/page", "text")
            let told = ToldTree(tree.store.session.tree)
            let inode = tree.store.session.tree.inode(UInt32(try tree.store.ino("/page").rawValue))
            var seen = SeenContents()
            #expect(told.copy.difference(from: tree.store.session.tree.plain(seen: &seen)) == nil)
            inode.fields.flags = 32
            #expect(told.copy.difference(from: tree.store.session.tree.plain(seen: &seen)) != nil)
        }
    }
#endif
