// The figures of a mount: what programs do is counted, once, by its kind.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Figures of a mount", .enabled(if: MountTests.areWanted)) struct MountMetricsTests {
    @Test("requests, errors and bytes are counted by what programs do")
    func counts() throws {
        let mount = try TestMount()
        defer { mount.end() }
        func figures() -> [String: UInt64] {
            var figures: [String: UInt64] = [:]
            for sample in mount.session.metrics {
                if case .number(let number) = sample.value { figures[sample.metric.name] = number }
            }
            return figures
        }
        let before = figures()
        let file = unsafe open(mount.path + "/page", O_WRONLY | O_CREAT, 0o644)
        let bytes = [UInt8](repeating: 7, count: 10_000)
        #expect(unsafe write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0 && close(file) == 0)
        #expect(unsafe open(mount.path + "/nothing", O_RDONLY) == -1 && errno == ENOENT)
        #expect(unsafe rmdir(mount.path + "/page") == -1 && errno == ENOTDIR)
        #expect(unsafe chmod(mount.path + "/page", 0o600) == 0)
        let after = figures()
        func more(_ name: String) -> UInt64 { after["mount_" + name, default: 0] - before["mount_" + name, default: 0] }
        #expect(more("opens") == 1 && more("writes") >= 1 && more("written_bytes") == 10_000)
        #expect(more("syncs") == 1 && more("flushes") == 1 && more("missing") >= 1)
        #expect(more("attribute_changes") == 1 && more("lookups") >= 1)
        #expect(after["mount_threads", default: 0] >= 1)
    }

    @Test("each figure says what it is, and no two have one name")
    func declared() {
        let metrics = MountMetrics.table.map(\.metric)
        #expect(Set(metrics.map(\.name)).count == metrics.count)
        #expect(metrics.allSatisfy { $0.help.hasSuffix(".") && $0.owner == .mount && $0.name.hasPrefix("mount_") })
    }
}
