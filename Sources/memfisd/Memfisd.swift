// Memfisd: the program. It reads the command line and hands over to the starter;
// everything that can fail before the doors are open ends in one line on stderr.
import Glibc

@main
struct Memfisd {
    static func main() {
        do throws(StartFailure) {
            let words = try ArgumentWords.normalized(Array(CommandLine.arguments.dropFirst()))
            switch try CommandLineRequest.read(words) {
            case .show(let text):
                print(text)
            case .run(let options):
                exit(try Starter.run(try Settings(options)))
            }
        } catch {
            if !error.message.isEmpty { StandardError.write("memfisd: \(error.message)\n") }
            exit(error.status.rawValue)
        }
    }
}
