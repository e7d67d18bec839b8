// ConfigurationFile: the text of memfisd.conf: one long option a line, without its dashes.

enum ConfigurationFile {
    /// Read when nobody names another file; it may be missing.
    static let defaultPath = "/etc/memfisd.conf"

    /// Reads a file's text.
    ///
    /// - Parameter path: for messages and origins.
    /// - Throws: StartFailure, status 78, for the first wrong line, with its number.
    static func entries(_ text: String, path: String) throws(StartFailure) -> [OptionEntry] {
        var result: [OptionEntry] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let origin = OptionOrigin.file(path: path, line: index + 1)
            do throws(LineError) {
                if let (name, value) = try words(of: line) {
                    result.append(
                        contentsOf: try OptionTable.contents(of: name, value: value).map {
                            OptionEntry(content: $0, origin: origin)
                        })
                }
            } catch {
                throw StartFailure("\(origin.text): \(error.reason)", .configuration)
            }
        }
        return result
    }

    /// The name and the value of a line; nil for an empty one or a comment.
    private static func words(of line: Substring) throws(LineError) -> (name: Substring, value: String?)? {
        let trimmed = line.trimmed
        guard let first = trimmed.first, first != "#" else { return nil }
        let name = trimmed.prefix { !$0.isWhitespace && $0 != "=" }
        var rest = trimmed.dropFirst(name.count).trimmed
        if rest.first == "=" { rest = rest.dropFirst().trimmed }
        return (name, try value(rest))
    }

    /// The value that `text` begins with: bare, up to a comment, or in quotes of either kind. Nil: there is none.
    private static func value(_ text: Substring) throws(LineError) -> String? {
        guard let first = text.first, first != "#" else { return nil }
        if first == "'" || first == "\"" {
            let behind = text.dropFirst()
            guard let close = behind.firstIndex(of: first) else { throw LineError("a quote is not closed") }
            let rest = behind[behind.index(after: close)...].trimmed
            guard rest.isEmpty || rest.first == "#" else { throw LineError("there is more behind the closing quote") }
            return String(behind[..<close])
        }
        var end = text.endIndex
        for index in text.indices where text[index] == "#" && text[text.index(before: index)].isWhitespace {
            end = index
            break
        }
        return String(text[..<end].trimmed)
    }

    /// A line of the file that says `value` of `name`, as `entries` reads it.
    static func line(_ name: String, _ value: String) -> String {
        let isPlain =
            !value.isEmpty && Substring(value).trimmed.count == value.count && !value.contains(" #")
            && !value.contains("\t#") && !"#'\"=".contains(value.first ?? "#")
        if isPlain { return "\(name) \(value)" }
        return value.contains("'") ? "\(name) \"\(value)\"" : "\(name) '\(value)'"
    }
}

/// Why a line or a variable says nothing that can be meant.
struct LineError: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

extension Substring {
    /// Without blanks at both ends.
    var trimmed: Substring {
        var result = drop(while: \.isWhitespace)
        while result.last?.isWhitespace == true { result.removeLast() }
        return result
    }
}
