// PreloadTests: a directory of the host is copied in at the start, while both doors are open.
import Foundation
import MemStore
import Testing

@testable import memfisd

@Suite struct PreloadProgressTests {
    @Test("progress says files, bytes, rate and time left as soon as they are known")
    func text() {
        var progress = PreloadProgress(filesExpected: 200, bytesExpected: 100 << 20)
        #expect(progress.text == "counting: 200 files")
        progress.isCounted = true
        #expect(progress.text == "0 of 200 files, 0.0 of 100.0 MiB")
        progress.files = 50
        progress.bytes = 20 << 20
        progress.seconds = 2
        #expect(progress.text == "50 of 200 files, 20.0 of 100.0 MiB, 10.0 MiB/s, 8 s left")
        #expect(progress.summary == "50 files, 20.0 MiB in 2.0 s")
        progress.kept = 3
        progress.leftOut = 1
        #expect(progress.summary == "50 files, 20.0 MiB in 2.0 s; 3 were there already; 1 left out")
    }

    @Test("long times are said in minutes and hours")
    func durations() {
        #expect(PreloadProgress.duration(0.2) == "1 s" && PreloadProgress.duration(119) == "119 s")
        #expect(PreloadProgress.duration(600) == "10 min" && PreloadProgress.duration(7500) == "2 h 5 min")
    }

    @Test("the last =/ of a value divides directory and place")
    func words() throws {
        let plain = try PreloadRequest("site", from: "/srv")
        #expect(plain.directory == "/srv/site" && plain.targetPath == "/")
        let placed = try PreloadRequest("/a=/b=/c/d/", from: "/")
        #expect(placed.directory == "/a=/b" && placed.targetPath == "/c/d")
        for wrong in ["", "=/a", "x=/a/../b", "x=/.memfisd", "x=/.memfisd/items"] {
            #expect(throws: StartFailure.self) { try PreloadRequest(wrong, from: "/") }
        }
    }
}

/// The copying itself, into a store of the test's own.
@Suite struct PreloaderTests {
    private final class Progress {
        var warnings: [String] = []
    }

    @Test("a directory that is removed from the tree while it is copied is left out", .timeLimit(.minutes(1)))
    func removedMeanwhile() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        for name in ["site", "site/inner", "site/inner/a", "site/inner/b"] { _ = try scratch.directory(name) }
        let store = try Store(configuration: StoreConfiguration())
        let (session, other) = (store.makeSession(), store.makeSession())
        let seen = Progress()
        let preloader = Preloader(
            session: session, excluded: [], warn: { seen.warnings.append($0) },
            goOn: { _ in
                // After the first of the two, whichever that is.
                for path in ["inner/a", "inner/b", "inner"] { Self.removeDirectory(path, with: other) }
                return true
            })
        try preloader.copy(try PreloadTask.opened([PreloadRequest(scratch.path("site"), from: "/")])[0])
        #expect(preloader.progress.leftOut == 1)
        #expect(seen.warnings.first?.contains("/site/inner/") == true, "\(seen.warnings)")
        #expect(seen.warnings.first?.contains("is left out: the tree has no place for it") == true)
    }

    private static func removeDirectory(_ path: String, with session: StoreSession) {
        var parent = Ino.root
        var names = path.split(separator: "/").map { Array($0.utf8) }
        let last = names.removeLast()
        for name in names {
            guard let next = name.withBytes({ try? session.lookup($0, in: parent) })?.ino else { return }
            session.forget(next, count: 1)
            parent = next
        }
        last.withBytes { try? session.removeDirectory($0, in: parent) }
    }

    @Test("an entry .memfisd at the top of the tree is left out; below, it is a name like others")
    func reservedName() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        for name in ["site", "site/.memfisd", "site/inner", "site/inner/.memfisd"] { _ = try scratch.directory(name) }
        let store = try Store(configuration: StoreConfiguration())
        let seen = Progress()
        let preloader = Preloader(
            session: store.makeSession(), excluded: [], warn: { seen.warnings.append($0) }, goOn: { _ in true })
        try preloader.copy(try PreloadTask.opened([PreloadRequest(scratch.path("site"), from: "/")])[0])
        #expect(seen.warnings.count == 1 && seen.warnings[0].contains("/site/.memfisd is left out: the name is"))
        let name = PreloadRequest.reservedName
        #expect(throws: StoreError.noEntry) { try name.withBytes { try store.makeSession().lookup($0, in: .root) } }
        let inner = try Array("inner".utf8).withBytes { try store.makeSession().lookup($0, in: .root) }
        #expect(throws: Never.self) { try name.withBytes { try store.makeSession().lookup($0, in: inner.ino) } }
    }
}

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct PreloadTests {
        private func waitForEnd(_ daemon: Daemon) throws {
            let ended = Shell.waitUntil(timeoutSeconds: 120) {
                daemon.log.contains("preload: copied") || daemon.log.contains("memory is full") || !daemon.isRunning
            }
            guard ended, daemon.isRunning else { throw TestFailure("the preload did not end: \(daemon.log)") }
        }

        @Test("a real tree is there afterwards as cp -a would leave it, for a mount that was looked at all the time")
        func wholeTree() throws {
            let daemon = try Daemon(["-m", "512", "--preload", "/usr/share/doc=/doc"])
            defer { daemon.remove() }
            let onlooker = try Program(["bash", "-c", "while ls -lR \(daemon.path("")); do :; done"])
            try waitForEnd(daemon)
            kill(onlooker.pid, SIGTERM)
            onlooker.wait()
            let differences = try Shell.bash(
                "rsync -aHn --delete --checksum --itemize-changes /usr/share/doc/ \(daemon.path("doc"))/",
                timeoutSeconds: 300)
            // The directory itself is the tree's own.
            #expect(differences.split(separator: "\n").filter { !$0.hasSuffix(" ./") } == [])
            let copyright = try Files.text("/usr/share/doc/bash/copyright")
            #expect(try daemon.client().get(Daemon.prefix + "/doc/bash/copyright")?.value == copyright)
        }

        @Test("hard links, symlinks, attributes, modes, owners, times and holes are kept")
        func details() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let site = try scratch.directory("site")
            try Shell.bash(
                """
                cd \(site); mkdir -m 2751 inner; echo a >inner/a; ln inner/a b; ln -s inner/a c; truncate -s 3000000 large
                setfattr -n user.memcached.flags -v 7 b; setfattr -n user.note -v hello b
                chown 12:34 b; chmod 4640 b; touch -d '2001-02-03 04:05:06.7' b
                """)
            let daemon = try Daemon(["-m", "64", "--preload", site, "-u", "root"])
            defer { daemon.remove() }
            try waitForEnd(daemon)
            #expect(daemon.log.contains("preload: copied 4 files, 0.0 MiB in"))
            let list = "stat -c '%n %A %u %g %h %s %y' b c large inner/a; stat -c '%A %y' inner"
            let expected = try Shell.bash("cd \(site) && \(list)")
            let copied = try Shell.bash("cd \(daemon.path("")) && \(list)")
            #expect(copied == expected)
            #expect(try Shell.bash("stat -c %b \(daemon.path("large"))") == "0\n")
            #expect(try Shell.bash("getfattr --only-values -n user.note \(daemon.path("c"))") == "hello")
            #expect(try Shell.bash("getfattr --only-values -n user.memcached.flags \(daemon.path("b"))") == "7")
        }

        @Test("what the serving user cannot read, and what is no file, is left out and named")
        func leftOut() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let site = try scratch.directory("site")
            try Shell.bash(
                "cd \(site); mkfifo pipe; echo x >secret; chmod 600 secret; mkdir -m 700 closed; echo x >page")
            let daemon = try Daemon(["-m", "64", "--preload", "\(site)=/a/b", "-u", "nobody"])
            defer { daemon.remove() }
            try waitForEnd(daemon)
            #expect(daemon.log.contains("preload: copied 1 files") && daemon.log.contains("3 left out"))
            #expect(daemon.log.contains("pipe is left out: neither a file"))
            #expect(daemon.log.contains("secret is left out: Permission denied"))
            #expect(daemon.log.contains("closed is left out: Permission denied"))
            #expect(
                try Shell.bash("find \(daemon.path("a")) -printf '%P %M %u\n' | sort")
                    == " drwxr-xr-x nobody\nb drwxr-xr-x nobody\nb/page -rw-r--r-- root\n")
        }

        @Test("what is in the tree already stays, and directories are joined")
        func present() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let (first, second) = (try scratch.directory("first"), try scratch.directory("second"))
            try Shell.bash("cd \(first); mkdir -m 700 inner; echo 1 >inner/a; echo 1 >file; ln -s a link")
            try Shell.bash(
                "cd \(second); mkdir inner file; echo 2 >inner/a; echo 2 >inner/b; echo 2 >file/x; ln -s b link")
            let daemon = try Daemon(["-m", "64", "-u", "root", "--preload", first, "--preload", second])
            defer { daemon.remove() }
            let ended = Shell.waitUntil(timeoutSeconds: 60) {
                daemon.log.contains("preload: copied 1 files, 0.0 MiB in 0.0 s; 2 were there already; 1 left out")
            }
            #expect(ended, "\(daemon.log)")
            let shown = try Shell.bash("cd \(daemon.path("")); grep -r . inner file; readlink link; stat -c %a inner")
            #expect(shown.split(separator: "\n").sorted() == ["700", "a", "file:1", "inner/a:1", "inner/b:2"])
        }

        @Test("a terminal sees how far it is")
        func terminal() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let command =
                "echo $$ >\(scratch.path)/pid; exec \(Daemon.programPath) -p -1 -m 512 --preload /usr/share/doc"
            let program = try Program(["script", "-qfec", command, scratch.path("typescript")])
            let ended = Shell.waitUntil(timeoutSeconds: 120) {
                scratch.text(of: "typescript").contains("preload: copied")
            }
            #expect(ended)
            let number = scratch.text(of: "pid").split(separator: "\n").first.flatMap { pid_t($0) }
            kill(try #require(number), SIGTERM)
            #expect(program.wait(timeoutSeconds: 20) == 0)
            let shown = scratch.text(of: "typescript")
            #expect(shown.contains("\rcounting: ") || shown.contains(" MiB/s, "))
            #expect(shown.contains("\r\u{1b}[K"))
        }

        @Test("a directory that is mounted over is copied into its own mount, and the start says what the mount hides")
        func mountedOver() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let site = try scratch.directory("mnt")
            try Shell.bash("cd \(site); echo disk >page; mkdir inner; echo disk >inner/page")
            let daemon = try Daemon(["-m", "64", "--preload", site], scratch: scratch)
            defer { daemon.remove() }
            try waitForEnd(daemon)
            #expect(
                daemon.log.contains("warning memfisd: the mount point \(site) is not empty: the mount hides 2 entries"))
            #expect(try daemon.client().get(Daemon.prefix + "/inner/page")?.value == "disk\n")
            #expect(try Files.text(daemon.path("page")) == "disk\n")
        }

        @Test("with --preload-first the first answer is a whole site")
        func first() throws {
            let port = try Ports.free()
            let scratch = try Scratch()
            defer { scratch.remove() }
            let program = try Program(
                [
                    Daemon.programPath, "-p", "\(port)", "-m", "512", "--config", "", "--prefix", Daemon.prefix,
                    "--preload", "/usr/share/doc", "--preload-first", try scratch.directory("mnt"),
                ], errors: scratch.path("log"))
            defer { Files.unmount(scratch.path("mnt")) }
            // The sockets take connections from the start; nobody is answered before all is there.
            var client: MemcachedClient?
            #expect(
                Shell.waitUntil(timeoutSeconds: 30) { () in
                    client = try? MemcachedClient(port: port)
                    return client != nil
                })
            let last = try Shell.bash("cd /usr/share/doc; ls -d */copyright | tail -1")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(try client?.get("\(Daemon.prefix)/\(last)") != nil)
            #expect(scratch.text(of: "log").contains("preload: copied"))
            kill(program.pid, SIGTERM)
            #expect(program.wait(timeoutSeconds: 30) == 0)
        }

        @Test("a stop in the middle of a preload that comes first ends at once and in order")
        func stoppedFirst() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let program = try Program(
                [
                    Daemon.programPath, "-p", "\(try Ports.free())", "-m", "2048", "--config", "", "--preload", "/usr",
                    "--preload-first", try scratch.directory("mnt"),
                ], errors: scratch.path("log"))
            defer { Files.unmount(scratch.path("mnt")) }
            #expect(Shell.waitUntil(timeoutSeconds: 30) { scratch.text(of: "log").contains("preload: copying") })
            kill(program.pid, SIGTERM)
            #expect(program.wait(timeoutSeconds: 30) == 0)
            #expect(!Files.isMounted(scratch.path("mnt")) && !scratch.text(of: "log").contains("ready"))
        }

        @Test("a store that is too small is filled as far as it goes, without half files, and serves")
        func tooSmall() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let site = try scratch.directory("site")
            try Shell.bash("for i in $(seq 30); do head -c 1000000 /dev/urandom >\(site)/$i; done")
            let daemon = try Daemon(["-m", "16", "--preload", site])
            defer { daemon.remove() }
            try waitForEnd(daemon)
            let message = try Regex(
                "error memfisd: preload: memory is full: [0-9.]+ MiB of \(site) do not fit into -m 16; copied")
            #expect(daemon.log.contains(message))
            let sizes = try Shell.bash("stat -c %s \(daemon.path(""))/* | sort -u")
            #expect(sizes == "1000000\n")
            #expect(try daemon.client().command("mn") == "MN")
        }

        @Test("a directory that the serving user cannot read is one line and the end of the start")
        func unreadable() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let site = try scratch.directory("site")
            Files.setMode(site, 0o700)
            let result = try Shell.run(
                [Daemon.programPath, "-p", "-1", "-u", "nobody", "--preload", site, try scratch.directory("mnt")],
                timeoutSeconds: 20)
            #expect(result.status == 66)
            #expect(
                result.errors
                    == "memfisd: --preload \(site): Permission denied (it is read as the user that serves)\n")
        }

        @Test("a directory that is missing or none is an error of the start")
        func missing() throws {
            for (path, message) in [("/no/such", "No such file"), ("/etc/passwd", "is not a directory")] {
                let result = try Shell.run([Daemon.programPath, "-p", "-1", "--preload", path], timeoutSeconds: 20)
                #expect(result.status == 66 && result.errors.contains(message))
            }
        }
    }
}
