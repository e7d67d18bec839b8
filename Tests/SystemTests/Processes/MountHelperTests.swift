// MountHelperTests: mount.memfisd, which mount(8) runs for a line of fstab.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct MountHelperTests {
        /// Runs the program that mount(8) would run.
        private func mount(_ words: [String]) throws -> ProgramResult {
            try Shell.run(
                [Repository.path("deploy/mount/mount.memfisd")] + words,
                environment: ["MEMFISD_PROGRAM": Daemon.programPath], timeoutSeconds: 30)
        }

        /// Mounts with options, runs `body` with the mount point and the port, and unmounts.
        private func mounted(_ options: String, _ body: (String, Int) throws -> Void) throws {
            try Requirements.mountsArePossible()
            let scratch = try Scratch()
            defer { scratch.remove() }
            let (path, port) = (try scratch.directory("mnt"), try Ports.free())
            let result = try mount([
                "none", path, "-o", "rw,memory-limit=32,prefix=memfis://test,port=\(port),\(options)",
            ])
            #expect(result.status == 0, "\(result.errors)")
            defer { Files.unmount(path) }
            try body(path, port)
            try Shell.bash("umount \(path)")
            let isGone = Shell.waitUntil(timeoutSeconds: 20) { (try? MemcachedClient(port: port)) == nil }
            #expect(isGone, "memfisd goes on after umount")
        }

        @Test("it returns when both doors are open; umount ends the daemon")
        func life() throws {
            try mounted("nosuid,nodev,_netdev,nofail,x-systemd.automount,noatime") { (path, port) throws in
                try Files.write("page", to: path + "/page")
                #expect(try MemcachedClient(port: port).get("memfis://test/page")?.value == "page")
                let table = try Files.text("/proc/self/mountinfo").split(separator: "\n").filter { $0.contains(path) }
                #expect(table.count == 1 && table[0].contains("nosuid,nodev") && table[0].contains("noatime"))
            }
        }

        @Test("after umount the same line mounts again at once")
        func again() throws {
            try Requirements.mountsArePossible()
            let scratch = try Scratch()
            defer { scratch.remove() }
            let (path, port) = (try scratch.directory("mnt"), try Ports.free())
            for _ in 0..<5 {
                let result = try mount(["none", path, "-o", "memory-limit=16,port=\(port)"])
                #expect(result.status == 0, "\(result.errors)")
                #expect(Files.isMounted(path))
                #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
                try Files.write("x", to: path + "/x")
                try Shell.bash("umount \(path)")
            }
            #expect(Shell.waitUntil(timeoutSeconds: 20) { (try? MemcachedClient(port: port)) == nil })
        }

        @Test("programs on a noexec mount are not run, a preload fills it, and the name is shown")
        func words() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let site = try scratch.directory("site")
            try Shell.bash("printf '#!/bin/sh\\necho run\\n' >\(site)/program; chmod 755 \(site)/program")
            try mounted("noexec,fsname=pages,preload=\(site),serving-user=daemon") { (path, port) throws in
                #expect(Shell.waitUntil(timeoutSeconds: 20) { Files.exists(path + "/program") })
                #expect(try Shell.run(["bash", "-c", path + "/program"]).status == 126)
                #expect(try Files.text("/proc/self/mountinfo").contains("fuse.memfisd pages"))
                #expect(try Shell.bash("stat -c %U \(path)") == "daemon\n")
            }
        }

        @Test(
            "what cannot be meant fails with mount's status 32 and a sentence",
            arguments: [
                ("no-such-word=1", "memfisd: unrecognized option 'no-such-word'\n"),
                ("remount,ro", "remount is not possible"),
                ("memory-limit=many", "memfisd: memory-limit many: expected a number\n"),
            ])
        func wrong(words: String, message: String) throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let path = try scratch.directory("mnt")
            let result = try mount(["none", path, "-o", words])
            #expect(result.status == 32 && result.errors.contains(message), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
            #expect(!Files.isMounted(path))
        }

        @Test("a mount that the system refuses ends the start with a sentence and status 71")
        func refused() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let path = try scratch.directory("mnt")
            // An ordinary user in a namespace where /dev/fuse is something else.
            let line =
                "mount --bind /dev/null /dev/fuse && exec setpriv --reuid 65534 --clear-groups \(Daemon.programPath) -p -1 \(path)"
            let result = try Shell.run(["unshare", "-m", "bash", "-c", line], timeoutSeconds: 20)
            #expect(result.status == 71 && result.errors.contains("cannot mount at \(path)"), "\(result.errors)")
        }

        @Test("-f does nothing, -v says what would be run")
        func fake() throws {
            let result = try mount(["site", "/no/such", "-fv", "-o", "ro,port=1"])
            #expect(result.status == 0)
            let words = "--config= --daemon --exit-on-unmount --port=1 --extended=fsname=site,ro -- /no/such\n"
            #expect(result.output.hasSuffix(words), "\(result.output)")
        }

        @Test("the example line of fstab has only words that are known")
        func example() throws {
            let text = try Files.text(Repository.path("deploy/fstab.example"))
            let line = try #require(text.split(separator: "\n").first { !$0.hasPrefix("#") })
            let fields = line.split(separator: " ").map(String.init)
            #expect(fields.count == 6 && fields[2] == "memfisd")
            let shown = try mount([fields[0], fields[1], "-fv", "-o", fields[3]]).output
            let words = shown.split(separator: " ").dropFirst().prefix { $0 != "--" }.map(String.init)
            #expect(words.contains("--preload=/var/www/html") && !shown.contains("netdev"))
            // The directory is not there; all else has to be right.
            let others = words.filter { !$0.hasPrefix("--preload=") }
            #expect(try Shell.run([Daemon.programPath] + others + ["--print-config", "/srv/site"]).status == 0)
        }
    }
}
