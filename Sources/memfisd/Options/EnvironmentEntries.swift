// EnvironmentEntries: settings from variables: MEMFISD_MEMORY_LIMIT=512 is `memory-limit 512`.

enum EnvironmentEntries {
    static let prefix = "MEMFISD_"
    /// Names the configuration file.
    static let configVariable = "MEMFISD_CONFIG"

    /// What the variables say, in the order of the option table. Variables that name no option are left alone: they
    /// belong to scripts.
    ///
    /// - Parameter environment: names and values.
    /// - Throws: StartFailure, status 78, for a value that its option cannot have.
    static func entries(_ environment: [String: String]) throws(StartFailure) -> [OptionEntry] {
        var result: [OptionEntry] = []
        for name in OptionTable.configurationWords {
            let variable = variable(of: name)
            guard let text = environment[variable] else { continue }
            do throws(LineError) {
                for value in OptionTable.isRepeatable(name) ? words(of: text) : [text] {
                    result.append(
                        contentsOf: try OptionTable.contents(of: name[...], value: value).map {
                            OptionEntry(content: $0, origin: .environment(variable: variable))
                        })
                }
            } catch {
                throw StartFailure("\(variable): \(error.reason)", .configuration)
            }
        }
        return result
    }

    /// Names of variables that look like settings and are none, in order: spelled wrongly, or a script's own.
    static func unknown(_ environment: [String: String]) -> [String] {
        let known = Set(OptionTable.configurationWords.map(variable) + [configVariable])
        return environment.keys.filter { $0.hasPrefix(prefix) && !known.contains($0) }.sorted()
    }

    /// MEMFISD_MEMORY_LIMIT of memory-limit.
    static func variable(of name: String) -> String {
        prefix + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// Several values of one variable are divided by blanks; an empty one is one empty value.
    private static func words(of text: String) -> [String] {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        return words.isEmpty ? [""] : words
    }
}
