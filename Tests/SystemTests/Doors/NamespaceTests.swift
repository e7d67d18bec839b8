// NamespaceTests: writers of whom the daemon does not know which process they are: in another pid namespace, or hidden by
// the options of /proc.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct NamespaceTests {
        /// Where the daemon runs, and where the programs that write.
        struct Place: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var daemon: [String] = []
            var user = "root"
            var writers: [String] = []

            private static let ownProcesses = ["unshare", "--pid", "--fork", "--kill-child"]
            /// With a /proc of its own; what it mounts in the shared directory is seen outside all the same.
            private static let container =
                ["unshare", "--mount", "--propagation", "unchanged"] + ownProcesses.dropFirst() + ["--mount-proc"]
            private static let hiding = [
                "unshare", "--mount", "--propagation", "unchanged", "bash", "-c",
                "mount --make-rprivate /proc && mount -t proc -o hidepid=2 proc /proc && exec \"$@\"", "bash",
            ]

            static let all = [
                Place(testDescription: "the daemon in a namespace of its own", daemon: ownProcesses),
                Place(testDescription: "the daemon in one with its own /proc", daemon: container, user: "nobody"),
                Place(testDescription: "the writers in a namespace below", writers: ownProcesses + ["--mount-proc"]),
                Place(
                    testDescription: "each in one of its own", daemon: container,
                    writers: ownProcesses + ["--mount-proc"]),
                Place(testDescription: "a /proc that hides the writers", daemon: hiding, user: "nobody"),
            ]
        }

        @Test("a page is shown whole, old or new, whose-ever process writes it", arguments: Place.all)
        func unknownWriters(place: Place) throws {
            let scratch = try Scratch()
            try Shell.bash("mount --bind \(scratch.path) \(scratch.path) && mount --make-shared \(scratch.path)")
            defer {
                Files.unmount(scratch.path)
                scratch.remove()
            }
            let daemon = try Daemon(
                ["-m", "256", "--publish-interval", "0.05", "-u", place.user], scratch: scratch, wrapper: place.daemon)
            defer {
                // unshare passes no signal on to what it has forked.
                if place.daemon.contains("--fork") { kill(daemon.serverPid, SIGTERM) } else { daemon.stop() }
                _ = daemon.waitForEnd()
                Files.unmount(daemon.path(""))
            }
            #expect(Files.isMounted(daemon.scratch.path("mnt")))
            for holder in ["nobody", "a reader"] {
                try daemon.runPageScript("held_page.py", [holder, "only-children"], wrapper: place.writers)
                try Shell.bash("rm -r \(daemon.path("site")) \(scratch.path("work"))")
            }
        }
    }
}
