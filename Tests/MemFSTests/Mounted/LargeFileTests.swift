// Large things: files beyond 32 bits, many appends, directories with many entries.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Large files and directories", .enabled(if: MountTests.areWanted), .serialized)
struct LargeFileTests {
    private let mount: TestMount
    init() throws { mount = try TestMount() }

    private func python(_ program: String) throws -> String {
        try mount.shell("/usr/bin/python3 - <<'END'\nimport os\n\(program)\nEND")
    }

    @Test("a sparse file of a terabyte takes little memory, and keeps what is written at both ends")
    func terabyte() throws {
        let before = mount.store.statistics().memoryUsedBytes
        #expect(
            try mount.shell(
                """
                printf begin > f; truncate -s 1T f; printf end >> f; stat -c %s f; head -c 5 f; echo; tail -c 3 f; echo
                du -k f | cut -f 1 | awk '{ print $1 < 1000 }'; cp --sparse=always f g; cmp -n 100 f g; stat -c %s g
                truncate -s 4 f; cat f
                """) == "1099511627779\nbegin\nend\n1\n1099511627779\nbegi")
        #expect(mount.store.statistics().memoryUsedBytes - before < 8 << 20)
    }

    @Test("bytes on both sides of two and of four gigabytes are kept apart")
    func borders() throws {
        #expect(
            try python(
                """
                f = os.open("f", os.O_RDWR | os.O_CREAT)
                places = [2**31 - 3, 2**31, 2**32 - 5, 2**32, 2**32 + 4096, 5 * 2**30 - 1]
                for place in places: os.pwrite(f, b"%d." % place, place)
                os.close(f)
                f = os.open("f", os.O_RDONLY)
                print(all(os.pread(f, 11, place).startswith((b"%d." % place)[:3]) for place in places), os.fstat(f).st_size)
                print(os.lseek(f, 0, os.SEEK_DATA) > 2**31 - 2**22, os.pread(f, 4, 2**30))
                """) == "True 5368709130\nTrue b'\\x00\\x00\\x00\\x00'")
    }

    @Test("a hundred thousand appends of one line by two programs are all there, and whole")
    func appends() throws {
        #expect(
            try python(
                """
                children = []
                for child in range(2):
                    pid = os.fork()
                    if pid == 0:
                        f = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                        for line in range(50000): os.write(f, b"%d %05d\\n" % (child, line))
                        os._exit(0)
                    children.append(pid)
                for pid in children: os.waitpid(pid, 0)
                lines = open("log").read().split("\\n")
                print(len(lines), [[l for l in lines if l.startswith(c)] == ["%s %05d" % (c, n) for n in range(50000)] for c in "01"])
                """) == "100001 [True, True]")
    }

    @Test("a listing of many entries shows what stays exactly once while other entries come and go")
    func listing() throws {
        #expect(
            try python(
                """
                os.mkdir("d")
                for n in range(20000): os.close(os.open("d/stays%d" % n, os.O_CREAT | os.O_WRONLY))
                seen = []
                for count, entry in enumerate(os.scandir("d")):
                    seen.append(entry.name)
                    if count % 4 == 0: os.close(os.open("d/comes%d" % count, os.O_CREAT | os.O_WRONLY))
                    if count % 8 == 0 and count: os.unlink("d/comes%d" % (count - 4 * (count % 16 // 8)))
                stays = [name for name in seen if name.startswith("stays")]
                print(len(stays), len(set(stays)), len(seen) == len(set(seen)))
                print(len(os.listdir("d")) == len(set(os.listdir("d"))))
                """) == "20000 20000 True\nTrue")
    }

    @Test("a name of 255 bytes at the end of a path of 4,095 is found, and one byte more is not")
    func longPath() throws {
        #expect(
            try python(
                """
                parts = ["n" * 255] * 15
                for part in parts: os.mkdir(part); os.chdir(part)
                os.chdir("/".join([".."] * 15))
                path = "/".join(parts)
                path += "/" + "./" * ((4095 - len(path) - 256) // 2)
                path += "x" * (4095 - len(path))
                open(path, "w").write("deep")
                print(len(path), open(path).read())
                for wrong in [path + "y", "n" * 256]:
                    try: open(wrong, "w")
                    except OSError as error: print(error.strerror)
                """) == "4095 deep\nFile name too long\nFile name too long")
    }

    @Test("an access time moves at the first read behind a change, and then no more")
    func accessTimes() throws {
        let show = "stat -c %X page"
        #expect(
            try mount.shell(
                """
                printf a > page; touch -d @1000 page; touch -a -d @500 page; \(show); cat page > /dev/null
                [ $(\(show)) -gt 1000 ] && echo moved; first=$(stat -c %x page); cat page > /dev/null
                [ "$first" = "$(stat -c %x page)" ] && echo stays; touch -a -d @1 page; printf b > page; \(show)
                """) == "500\nmoved\nstays\n1")
    }
}
