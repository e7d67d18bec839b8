// Preloader+Count: what there is to copy, counted before, so that progress can say how much is left.
import Glibc
import MemStore

extension Preloader {
    /// Counts what a directory holds, so that progress can say how much is left.
    /// - Throws: stopped.
    func count(_ request: PreloadRequest) throws(PreloadEnd) {
        try count(request.descriptor, request.directory)
        progress.isCounted = true
    }

    private func count(_ directory: Int32, _ path: String) throws(PreloadEnd) {
        for name in HostDirectory.names(of: directory) ?? [] {
            guard let attributes = HostDirectory.attributes(of: name, in: directory) else { continue }
            switch FileType(rawValue: attributes.st_mode & FileType.mask) {
            case .directory:
                let inner = "\(path)/\(name.text)"
                let descriptor = HostDirectory.open(name, in: directory, directory: true)
                guard descriptor >= 0, !excluded.contains(inner) else { continue }
                defer { close(descriptor) }
                try count(descriptor, inner)
            case .regular:
                progress.filesExpected += 1
                progress.bytesExpected += Int(attributes.st_size)
            case .symlink: progress.filesExpected += 1
            default: break
            }
        }
        try checkIn()
    }
}
