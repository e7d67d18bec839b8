// MountPoints: the directories that are mounted on: judged before the start,
// cleaned of what a crash left, and detached at the end.
import Glibc
import MemFS
import MemStore

enum MountPoints {
    /// How long a mount of an ended daemon may take to go away before a start gives up, in milliseconds.
    static let vanishTimeoutMilliseconds = 3000

    /// Judges a mount point and cleans it.
    ///
    /// - Throws: StartFailure: missing or no directory, status 66; a live daemon's or one that cannot be cleaned, status 71.
    static func prepare(_ path: String) throws(StartFailure) {
        var waitedMilliseconds = 0
        while true {
            do throws(MountError) { try Mounting.clearDead(at: path) } catch {
                throw StartFailure("\(error.what): \(FilePaths.errorText(error.code))", .systemRefused)
            }
            guard Mounting.isOurs(path) else { break }
            // A daemon that was killed this moment is being cleaned up by its monitor or sentinel.
            guard waitedMilliseconds < vanishTimeoutMilliseconds else {
                throw StartFailure("\(path) is mounted by another memfisd that runs", .systemRefused)
            }
            usleep(50_000)
            waitedMilliseconds += 50
        }
        var attributes = stat()
        guard unsafe stat(path.hostPath, &attributes) == 0 else {
            throw StartFailure("mount point \(path): \(FilePaths.errorText(errno))", .noInput)
        }
        guard attributes.st_mode & S_IFMT == S_IFDIR else {
            throw StartFailure("mount point \(path) is not a directory", .noInput)
        }
    }

    /// A sentence for each mount point that has entries: the mount hides them, and what is copied there while memfisd does
    /// not run is hidden by the next start.
    static func hiddenEntries(_ paths: [String]) -> [String] {
        paths.compactMap { path in
            let directory = unsafe open(path.hostPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard directory >= 0 else { return nil }
            defer { close(directory) }
            guard let count = HostDirectory.names(of: directory)?.count, count > 0 else { return nil }
            return
                "the mount point \(path) is not empty: the mount hides \(count == 1 ? "1 entry" : "\(count) entries")"
        }
    }

    /// Takes the mounts away, the last first, whether they are in use or not. Where there is none, nothing happens.
    static func detach(_ paths: [String]) {
        for path in paths.reversed() {
            do throws(MountError) { try Mounting.unmount(path) } catch { continue }
        }
    }

    /// Takes the mounts of memfisd away whose server answers no more: programs that wait for it get errors at once, and so do
    /// the server's own threads that wait for such a program inside of the kernel.
    static func abort(_ paths: [String]) {
        for path in paths.reversed() where Mounting.isOurs(path) {
            do throws(MountError) { try Mounting.unmount(path, aborting: true) } catch { continue }
        }
    }
}
