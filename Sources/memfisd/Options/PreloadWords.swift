// PreloadWords: the values of --preload.
import MemStore

/// A directory of the host that is copied into the tree.
struct PreloadRequest: Equatable {
    /// Absolute path on the host.
    var directory: String
    /// Where its entries go: names below the tree's root.
    var target: [String]
    /// The directory, opened before something was mounted over it; -1 = not yet.
    var descriptor: Int32 = -1

    /// The name at the tree's root that stands for what is no part of the tree.
    static let reservedName = Array(".memfisd".utf8)

    /// The target as a path.
    var targetPath: String { "/" + target.joined(separator: "/") }

    /// Reads `DIR[=PATH]`. The last `=/` divides, since a directory's name may hold `=`.
    ///
    /// - Parameter current: the working directory.
    /// - Throws: StartFailure, status 64, when PATH names no place in the tree or DIR is empty.
    init(_ text: String, from current: String) throws(StartFailure) {
        var source = text[...]
        target = []
        if let cut = text.indices.last(where: { text[$0...].hasPrefix("=/") }) {
            source = text[..<cut]
            target = text[text.index(after: cut)...].split(separator: "/").map(String.init)
        }
        let isTarget = target.allSatisfy { $0.utf8.count <= Limits.nameLengthMax && $0 != "." && $0 != ".." }
        if let first = target.first, Array(first.utf8) == Self.reservedName {
            throw StartFailure("--preload \(text): /\(first) is no part of the tree", .usage)
        }
        if source.isEmpty || source.hasPrefix("=") {
            throw StartFailure(
                "--preload \(text): the directory is missing before the =: expected DIR or DIR=/PATH", .usage)
        }
        guard isTarget else {
            throw StartFailure("--preload \(text): expected DIR or DIR=/PATH, without . and .. in PATH", .usage)
        }
        directory = FilePaths.absolute(String(source), from: current)
    }
}
