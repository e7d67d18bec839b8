// MountOnly: the two steps of a service around its sandbox: `--mount-only` before it and `--unmount` after it.
import Glibc
import MemFS

enum MountOnly {
    /// How long systemd may take to read what was told.
    private static let hearingTimeoutMilliseconds: Int32 = 10_000

    /// Mounts at the mount points and leaves the device with systemd for the service's main process, which finds it among its
    /// descriptors. Without a mount point there is nothing to do.
    ///
    /// - Throws: StartFailure: status 64 when nobody would take the device, 66 and 71 as a start with a mount point.
    static func mount(_ settings: Settings) throws(StartFailure) {
        let record = MountRecord.current()
        // What an earlier start has left and nobody has taken away.
        if let record { MountPoints.abort(record.read().filter { !settings.mountPoints.contains($0) }) }
        guard let first = settings.mountPoints.first else {
            return LogLine.write(.notice, "no mount point is set: nothing is mounted")
        }
        guard let notifier = ServiceNotifier.current() else {
            throw StartFailure("--mount-only hands the device to systemd: NOTIFY_SOCKET is not set", .usage)
        }
        for path in settings.mountPoints { try MountPoints.prepare(path) }
        for warning in MountPoints.hiddenEntries(settings.mountPoints) { LogLine.write(.warning, warning) }
        try record?.write(settings.mountPoints)
        let device: Int32
        do throws(MountError) {
            device = try Mounting.openAndMount(at: first, settings.mountOptions)
        } catch { throw StartFailure(error) }
        do throws(MountError) {
            for path in settings.mountPoints.dropFirst() { try Mounting.bind(first, at: path) }
        } catch {
            MountPoints.detach(settings.mountPoints)
            throw StartFailure(error)
        }
        let isLeft =
            notifier.store(device, name: InheritedDescriptors.deviceName)
            && notifier.waitUntilRead(timeoutMilliseconds: hearingTimeoutMilliseconds)
        close(device)
        if !isLeft {
            MountPoints.detach(settings.mountPoints)
            throw StartFailure("--mount-only: systemd did not take the device", .systemRefused)
        }
    }

    /// Takes the mounts of memfisd away, after the server's end: those that `--mount-only` has recorded, whatever the
    /// configuration says now, and those that the command line or the configuration names.
    ///
    /// - Parameters:
    ///   - named: mount points of the command line.
    ///   - configured: reads those of all places; it may fail, since the record is enough.
    /// - Throws: StartFailure: status 66 when no memfisd is mounted at a named one; that of `configured` when there is
    ///   neither a record nor a named mount point.
    static func unmount(
        named: [String], configured: () throws(StartFailure) -> [String]
    ) throws(StartFailure) {
        let record = MountRecord.current()
        let recorded = record?.read() ?? []
        var paths = recorded
        do throws(StartFailure) { paths += try configured() } catch {
            if recorded.isEmpty { throw error }
            LogLine.write(.warning, "the configuration is not read: \(error.message)")
        }
        for path in named where !Mounting.isOurs(FilePaths.real(FilePaths.absolute(path, from: FilePaths.current()))) {
            throw StartFailure("no memfisd is mounted at \(path)", .noInput)
        }
        MountPoints.abort(paths)
        record?.remove()
    }
}
