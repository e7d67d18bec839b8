// MountOnly: `--mount-only` and `--unmount`, which a unit runs with all rights and outside of the service's sandbox: a mount
// made inside would be seen by nobody else.
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
        guard let first = settings.mountPoints.first else { return }
        guard let notifier = ServiceNotifier.current() else {
            throw StartFailure("--mount-only hands the device to systemd: NOTIFY_SOCKET is not set", .usage)
        }
        for path in settings.mountPoints { try MountPoints.prepare(path) }
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

    /// Takes the mounts of memfisd at the mount points away, after the server's end. What is not mounted is nobody's fault.
    static func unmount(_ settings: Settings) throws(StartFailure) {
        MountPoints.abort(settings.mountPoints)
    }
}
