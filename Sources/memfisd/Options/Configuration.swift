// Configuration: all places where settings are written, in one: the file, the
// environment, the command line, each stronger than the one before.
import Glibc
import MemFS
import MemStore

struct Configuration {
    /// What counts, each with its place.
    var entries: [OptionEntry]
    /// Sentences for the log.
    var warnings: [String] = []

    /// Gathers what the places say.
    ///
    /// - Parameters:
    ///   - words: the command line without the program's name.
    ///   - environment: the process' variables.
    /// - Throws: StartFailure: see `ArgumentWords`, `ConfigurationFile`, `EnvironmentEntries`; status 66 for a named file
    ///   that cannot be read.
    static func gather(_ words: [String], environment: [String: String]) throws(StartFailure) -> Configuration {
        let commandLine = try ArgumentWords.entries(words)
        let variables = try EnvironmentEntries.entries(environment)
        let file = try fileEntries(commandLine, environment)
        return Configuration(
            entries: .merged([file, variables, commandLine]),
            warnings: EnvironmentEntries.unknown(environment).map { "the variable \($0) names no option" }
                + repeated(file))
    }

    /// Sentences about options that a file gives twice though one value counts.
    static func repeated(_ file: [OptionEntry]) -> [String] {
        file.indices.compactMap { index in
            let name = file[index].name
            guard !OptionTable.isRepeatable(name), name != OptionTable.countedWord,
                let earlier = file[..<index].last(where: { $0.name == name })
            else { return nil }
            return "\(file[index].origin.text): \(name) is given again; what \(earlier.origin.text) says does not count"
        }
    }

    private static func fileEntries(
        _ commandLine: [OptionEntry], _ environment: [String: String]
    ) throws(StartFailure) -> [OptionEntry] {
        var named = environment[EnvironmentEntries.configVariable]
        for entry in commandLine {
            if case .option(let spelling, let value?) = entry.content, spelling.name == OptionTable.configWord {
                named = value
            }
        }
        let path = named ?? ConfigurationFile.defaultPath
        if path.isEmpty { return [] }
        guard let text = SystemFile.text(of: path) else {
            if named == nil, errno == ENOENT { return [] }
            throw StartFailure("cannot read \(path): \(FilePaths.errorText(errno))", .noInput)
        }
        return try ConfigurationFile.entries(text, path: path)
    }

    /// The options and what they mean.
    ///
    /// - Throws: StartFailure; one that a line of the file or a variable causes names it.
    func judged(machine: Machine = .current()) throws(StartFailure) -> (Options, Settings) {
        do throws(StartFailure) {
            var (options, settings) = try Self.judge(entries, machine)
            settings.warnings += warnings
            return (options, settings)
        } catch {
            throw blamed(error, machine)
        }
    }

    private static func judge(
        _ entries: [OptionEntry], _ machine: Machine
    ) throws(StartFailure) -> (Options, Settings) {
        guard case .run(let options) = try CommandLineRequest.read(entries.words) else {
            throw StartFailure("a text was asked for", .usage)
        }
        return (options, try Settings(options, machine: machine))
    }

    /// The failure with the place of the first entry that brings it about.
    private func blamed(_ failure: StartFailure, _ machine: Machine) -> StartFailure {
        for count in 1...max(entries.count, 1) where count <= entries.count {
            do throws(StartFailure) { _ = try Self.judge(Array(entries.prefix(count)), machine) } catch {
                guard error.message == failure.message else { continue }
                let entry = entries[count - 1]
                let message = entry.reworded(failure.message)
                if entry.origin == .commandLine { return StartFailure(message, failure.status) }
                return StartFailure("\(entry.origin.text): \(message)", failure.status)
            }
        }
        return failure
    }
}

/// The variables of this process.
enum Environment {
    static func current() -> [String: String] {
        var result: [String: String] = [:]
        var next = unsafe environ
        while let text = unsafe next.pointee {
            let line = unsafe String(hostText: text)
            if let cut = line.firstIndex(of: "=") {
                result[String(line[..<cut])] = String(line[line.index(after: cut)...])
            }
            unsafe next += 1
        }
        return result
    }
}
