// Memfisd: the program. It reads the command line and hands over to the starter;
// everything that can fail before the doors are open ends in one line on stderr.
import Glibc

@main
struct Memfisd {
    static func main() {
        do throws(StartFailure) {
            let words = Array(CommandLine.arguments.dropFirst())
            if let text = try CommandLineRequest.text(words) { return print(text) }
            let configuration = try Configuration.gather(words, environment: Environment.current())
            let (options, settings) = try configuration.judged()
            if options.process.printConfig {
                print(ConfigurationText.make(configuration, options, settings))
            } else if options.process.mountOnly {
                try MountOnly.mount(settings)
            } else if options.process.unmount {
                try MountOnly.unmount(settings)
            } else {
                exit(try Starter.run(settings))
            }
        } catch {
            if !error.message.isEmpty { StandardError.write("memfisd: \(error.message)\n") }
            exit(error.status.rawValue)
        }
    }
}
