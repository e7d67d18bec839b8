// Memfisd: the program. It reads the command line and hands over to the starter;
// everything that can fail before the doors are open ends in one line on stderr.
import Glibc
import MemFS
import MemStore

@main
struct Memfisd {
    /// The command line without the program's name.
    static let words: [String] = (1..<max(1, Int(CommandLine.argc))).compactMap { index in
        unsafe CommandLine.unsafeArgv[index].map { unsafe String(hostText: $0) }
    }

    static func main() {
        StandardDescriptors.complete()
        LogLine.chooseByStandardError()
        do throws(StartFailure) {
            if let text = try CommandLineRequest.text(words) { return print(text) }
            // What takes mounts away has to work whatever the configuration says.
            if try ArgumentWords.entries(words).contains(where: { $0.name == "unmount" }) { return try unmount(words) }
            let configuration = try Configuration.gather(words, environment: Environment.current())
            let (options, settings) = try configuration.judged()
            if options.process.printConfig {
                StandardOutput.write(ConfigurationText.make(configuration, options, settings) + "\n")
            } else if options.process.mountOnly {
                try MountOnly.mount(settings)
            } else {
                exit(try Starter.run(settings))
            }
        } catch {
            if !error.message.isEmpty { LogLine.fail(asWritten(error.message)) }
            exit(error.status.rawValue)
        }
    }

    /// The message without the dashes that mount.memfisd, which says so by a variable, has put before the words of fstab.
    private static func asWritten(_ message: String) -> String {
        guard Environment.current()["MOUNT_MEMFISD"] != nil else { return message }
        if message.hasPrefix("--") { return String(message.dropFirst(2)) }
        guard let quote = message.firstRange(of: "'--") else { return message }
        return String(message[..<quote.lowerBound]) + "'" + message[quote.upperBound...]
    }

    private static func unmount(_ words: [String]) throws(StartFailure) {
        var named: [String] = []
        for entry in try ArgumentWords.entries(words) {
            if case .mountPoint(let path) = entry.content { named.append(path) }
        }
        try MountOnly.unmount(named: named) { () throws(StartFailure) in
            try Configuration.gather(words, environment: Environment.current()).judged().1.mountPoints
        }
    }
}
