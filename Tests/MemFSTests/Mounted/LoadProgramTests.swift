// Programs that are made to find faults of filesystems: fio checks what it reads back, stress-ng what calls answer.
import Glibc
import Testing

@testable import MemFS

@Suite("Programs that look for faults", .enabled(if: MountTests.areWanted), .serialized)
struct LoadProgramTests {
    private let mount: TestMount
    /// Some stressors write files of a gigabyte.
    init() throws { mount = try TestMount(memoryLimitMiB: 2048) }

    /// A number of the environment, for longer runs.
    private static func setting(_ name: String, else fallback: Int) -> Int {
        unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) } ?? fallback
    }

    @Test(
        "fio reads back what it wrote",
        arguments: [
            "--rw=write --bs=128k", "--rw=randwrite --bs=4k", "--rw=randwrite --bsrange=513-70001 --bs_unaligned",
            "--rw=randrw --bs=12k --fallocate=none", "--rw=write --bs=16k --ioengine=mmap",
            "--rw=randwrite --bs=4k --ioengine=mmap", "--rw=write --bs=1m --direct=1", "--rw=randrw --bs=4k --direct=1",
            "--rw=randwrite --bs=8k --ioengine=libaio --direct=1 --iodepth=8",
            "--rw=randwrite --bs=8k --numjobs=4 --fsync=64 --group_reporting",
        ])
    func fio(words: String) throws {
        let size = Self.setting("MEMFISD_FIO_MIB", else: 6)
        let output = try mount.shell(
            "timeout 300 fio --name=job --directory=. --size=\(size)m --verify=crc32c --verify_fatal=1 --do_verify=1 "
                + "\(words); echo status $?")
        #expect(output.contains("err= 0") && output.hasSuffix("status 0"), "\(output.suffix(2000))")
    }

    /// All of stress-ng's class `filesystem` but these, which test nothing on tmpfs either: bind-mount (left out by stress-ng
    /// itself as one that may stop the machine), binderfs (a filesystem of its own), fiemap and verity (skipped, for want of
    /// blocks and of hashes). Then others that work on files; not swap and quota, which need a disk, nor exec, which does
    /// nothing as root.
    private static let stressors = """
        access chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify dup eventfd fallocate fanotify fcntl \
        file-ioctl filename flock fpunch fsize fstat getdent handle hdd inode-flags inotify io iomix ioprio lease link locka \
        lockf lockofd mknod open procfs rename symlink sync-file touch utime xattr \
        aio aiol chroot close fault fifo io-uring loop mmap msync readahead remap revio seek sendfile splice stackmmap tee \
        vm-splice
        """

    @Test("stress-ng's stressors of filesystems find nothing")
    func stressors() throws {
        let seconds = Self.setting("MEMFISD_STRESS_SECONDS", else: 1)
        let output = try mount.shell(
            """
            for name in \(Self.stressors); do
              mkdir s; timeout $((\(seconds) + 100)) stress-ng --temp-path s --$name 1 --timeout \(seconds) --verify > log 2>&1
              status=$?; rm -rf s
              [ $status = 0 ] || { echo "$name $status"; grep fail: log; }
            done
            """)
        #expect(output == "")
    }
}
