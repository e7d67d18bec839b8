// Real mounts, used by real programs.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Real mounts", .enabled(if: MountTests.areWanted), .serialized)
struct RealMountTests {
    private let mount: TestMount
    init() throws { mount = try TestMount() }

    @Test("directories, links, renames and removals work as on any filesystem")
    func tree() throws {
        #expect(try mount.shell("mkdir -p a/b/c && echo hello > a/b/c/page && cat a/b/c/page") == "hello")
        #expect(
            try mount.shell("ln a/b/c/page hard && ln -s a/b/c soft && cat soft/page && stat -c %h hard") == "hello\n2")
        #expect(try mount.shell("mv a/b moved && ls") == "a\nhard\nmoved\nsoft")
        #expect(try mount.shell("rmdir moved") == "rmdir: failed to remove 'moved': Directory not empty")
        #expect(try mount.shell("rm -r a moved && cat hard && rm hard soft && ls -A") == "hello")
        #expect(
            try mount.shell("mkdir x && chgrp 33 x && chmod g+s x && mkdir x/y && touch x/z && stat -c '%g %a' x/y x/z")
                == "33 2755\n33 644")
        #expect(
            try mount.shell("mkfifo f && mknod c c 1 3 && stat -c '%F %t %T' f c")
                == "fifo 0 0\ncharacter special file 1 3")
        #expect(try mount.shell("touch \(String(repeating: "n", count: 256))").hasSuffix("File name too long"))
        #expect(
            try mount.shell("touch \(String(repeating: "n", count: 255)) && ls | awk 'length == 255' | wc -l") == "1")
    }

    @Test("cp -a keeps a tree's bytes, modes, owners, times and links")
    func copy() throws {
        let difference = try mount.shell(
            """
            cp -a /usr/include/linux copy && diff -r /usr/include/linux copy
            list() { (cd "$1" && find . -printf '%P %m %U %G %T@ %y %l %n\\n' | sort); }
            diff <(list /usr/include/linux) <(list copy)
            """)
        #expect(difference == "")
    }

    @Test("what is written at offsets, appended, truncated and made sparse reads back")
    func content() throws {
        #expect(
            try mount.shell(
                """
                head -c 3000000 /dev/urandom > /tmp/memfisd-random.$$ && cp /tmp/memfisd-random.$$ big
                cmp big /tmp/memfisd-random.$$ && dd if=/tmp/memfisd-random.$$ of=big bs=4097 skip=3 seek=3 count=9 conv=notrunc status=none
                cmp big /tmp/memfisd-random.$$ && cp big copy && cmp copy big
                cat big >> copy && cmp <(cat big big) copy
                rm /tmp/memfisd-random.$$
                """) == "")
        #expect(
            try mount.shell("truncate -s 1T sparse && stat -c %s sparse && head -c 5 sparse | od -An -tx1")
                == "1099511627776\n 00 00 00 00 00")
        #expect(
            try mount.shell("printf abc > t && truncate -s 2 t && cat t && truncate -s 4 t && od -An -tx1 t")
                == "ab 61 62 00 00")
        #expect(try mount.shell("printf one > old && exec 3< old && rm old && cat <&3") == "one")
    }

    @Test("pages written through a mapping are in the file and, after close, on the port")
    func mapping() throws {
        #expect(
            try mount.shell(
                """
                /usr/bin/python3 -c '
                import mmap
                f = open("page", "w+b"); f.truncate(10); m = mmap.mmap(f.fileno(), 10)
                m[0:5] = b"hello"; m.flush(); print(open("page","rb").read()); m.close(); f.close()'
                """) == "b'hello\\x00\\x00\\x00\\x00\\x00'")
        #expect(mount.published("/page") == "hello\0\0\0\0\0")
    }

    @Test("suid goes away when somebody without privilege writes, truncates, or root changes the owner")
    func suid() throws {
        let asUser = "setpriv --reuid 65534 --regid 65534 --clear-groups"
        #expect(
            try mount.shell(
                """
                echo x > f; chmod 6777 f; \(asUser) bash -c 'echo y >> f'; stat -c %a f
                chmod 6777 f; \(asUser) truncate -s 1 f; stat -c %a f
                chmod 6777 f; \(asUser) bash -c ': > f'; stat -c %a f
                chmod 6777 f; chown 12 f; stat -c %a f
                chmod 6777 f; echo z >> f; stat -c %a f
                """) == "777\n777\n777\n777\n6777")
    }

    @Test("permissions are judged by the kernel, for other users too")
    func permissions() throws {
        let asUser = "setpriv --reuid 65534 --regid 65534 --clear-groups"
        #expect(
            try mount.shell(
                """
                chmod 755 .; echo x > secret; chmod 600 secret; \(asUser) cat secret; \(asUser) touch new
                mkdir open; chmod 1777 open; \(asUser) touch open/mine; stat -c %u open/mine; touch open/roots; \(asUser) rm -f open/roots
                """
            ) == """
                cat: secret: Permission denied
                touch: cannot touch 'new': Permission denied
                65534
                rm: cannot remove 'open/roots': Operation not permitted
                """)
    }

    @Test("redirections and children that inherit a file never show half a page")
    func redirections() throws {
        let pause = try Pause()
        defer { pause.end() }
        #expect(try mount.shell("printf old > page") == "")
        var before = mount.published("/page")
        #expect(before == "old")
        for script in [
            "bash -c 'exec > page; \(pause.command); echo new'",
            "bash -c '\(pause.command); cat /etc/passwd' > page",
            "(echo head; cat /dev/null; \(pause.command); echo foot) > page",
            "/usr/bin/python3 -c 'import subprocess; f=open(\"page\",\"w\"); f.write(\"h\"); f.flush(); "
                + "subprocess.run(\"\(pause.command)\",stdout=f); f.write(\"t\"); f.close()'",
        ] {
            pause.reset()
            #expect(try mount.shell("{ \(script); touch \(pause.ended); } > /dev/null 2>&1 &") == "")
            pause.waitUntilReached()
            #expect(mount.published("/page") == before)
            pause.go()
            before = mount.published("/page", otherThan: before)
            #expect(before != nil)
        }
    }

    @Test(
        "a file that a shell keeps open shows what its own commands wrote; one of a group shows nothing before the end")
    func keptOpen() throws {
        let pause = try Pause()
        defer { pause.end() }
        for (script, shown) in [
            ("exec 5> kept; echo head >&5; \(pause.command); echo foot >&5", "head\n"),
            ("{ echo head; \(pause.command); echo foot; } > group", nil),
        ] {
            let path = shown == nil ? "/group" : "/kept"
            pause.reset()
            #expect(try mount.shell("{ bash -c '\(script)'; touch \(pause.ended); } > /dev/null 2>&1 &") == "")
            pause.waitUntilReached()
            #expect(mount.published(path) == shown)
            pause.go()
            #expect(mount.published(path, otherThan: shown) == "head\nfoot\n")
        }
    }

    @Test("what the port stores is on the mount at once, also where the kernel remembered that nothing was there")
    func coherence() throws {
        #expect(try mount.shell("ls; cat page; stat page") != "")
        #expect(mount.set("/page", "first") == .done)
        #expect(try mount.shell("cat page; stat -c ' %s' page; ls") == "first 5\npage")
        #expect(mount.set("/page", "second value") == .done)
        #expect(try mount.shell("cat page; stat -c ' %s' page; ls") == "second value 12\npage")
    }

    @Test("figures of the filesystem are shown")
    func figures() throws {
        let total = try mount.shell("df --output=size -B1M . | tail -1 | tr -d ' '")
        #expect(Int(total) == 256)
        #expect(try mount.shell("stat -f -c '%l' .") == "255")
    }

    @Test("locks are seen between programs")
    func locks() throws {
        #expect(
            try mount.shell("touch l; flock l sh -c 'flock -n l true || echo taken'; flock -n l echo free")
                == "taken\nfree")
    }

    @Test("several programs write and read at once, and every file is whole")
    func parallel() throws {
        #expect(
            try mount.shell(
                """
                for job in 1 2 3 4 5 6; do
                    (mkdir d$job; for i in $(seq 60); do seq $i 2000 > d$job/f$i; cmp d$job/f$i <(seq $i 2000); done) &
                done
                wait; ls d* | grep -c f
                """) == "360")
    }

    @Test("a mount in use can be taken away, and the session ends")
    func busyUnmount() throws {
        #expect(try mount.shell("echo x > page; exec 3< page; umount -l '\(mount.path)'; cat <&3") == "x")
        #expect(MountTable.topmost(at: mount.path) == nil)
    }

    @Test("a dead mount is found and cleaned, a second time there is nothing")
    func deadMount() throws {
        try #require(geteuid() == 0, "run as root or set MEMFISD_TESTS_WITHOUT_MOUNT=1")
        let path = try TestMount.makeDirectory()
        let device = try Mounting.openAndMount(at: path)
        #expect(MountTable.topmost(at: path)?.type == Mounting.type)
        _ = Glibc.close(device)
        #expect(unsafe access(path, F_OK) != 0 && errno == ENOTCONN)
        #expect(try Mounting.clearDead(at: path + "/"))
        #expect(try Mounting.clearDead(at: path) == false)
        #expect(unsafe rmdir(path) == 0)
    }

    @Test("the library's own way of mounting works too")
    func libraryMount() throws {
        let path = try TestMount.makeDirectory()
        let session = try FuseSession.mounted(store: try Store(configuration: StoreConfiguration()), at: path)
        try session.start()
        #expect(try Shell.run("echo hello > \(path)/page; cat \(path)/page; ls \(path)") == "hello\npage")
        #expect(MountTable.topmost(at: path)?.type == Mounting.type)
        session.stop()
        #expect(MountTable.topmost(at: path) == nil)
        #expect(unsafe rmdir(path) == 0)
    }

    @Test("a mount point that is missing is refused with its errno")
    func missingMountPoint() {
        let error = #expect(throws: MountError.self) { try Mounting.openAndMount(at: "/no/such/directory") }
        #expect(error?.code == ENOENT)
    }
}
