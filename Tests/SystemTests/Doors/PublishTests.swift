// PublishTests: a web server never sees half a file.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct PublishTests {
        @Test("while a page is overwritten in place for ten seconds, every answer is one of its two whole versions")
        func overwriting() throws {
            let daemon = try Daemon(["-m", "256"])
            defer { daemon.remove() }
            let nginx = try Nginx(before: daemon)
            defer { nginx.remove() }
            try Shell.python(
                "overwrite.py", [daemon.path("page"), "\(nginx.tcpPort)", "/page", "10", "0", "1000", "100"])
            print("the same with nginx on a plain directory, for comparison:")
            try Shell.python(
                "overwrite.py",
                [nginx.plainDirectory + "/page", "\(nginx.plainPort)", "/page", "5", "0", "0", "0", "torn-allowed"])
        }

        @Test("a writer that sleeps three seconds in the middle of each copy shows whole versions only")
        func sleepingWriter() throws {
            let daemon = try Daemon(["-m", "256"])
            defer { daemon.remove() }
            let nginx = try Nginx(before: daemon)
            defer { nginx.remove() }
            // The first write, before the fetchers start, sleeps too.
            try Shell.python(
                "overwrite.py", [daemon.path("page"), "\(nginx.unixPort)", "/page", "10", "3", "100", "50"])
        }

        @Test("a new file is a 404 until it is closed")
        func newFile() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            let key = Daemon.prefix + "/new"
            let file = try OpenFile(daemon.path("new"))
            #expect(try client.get(key) == nil)
            try file.write("half")
            let end = Date().addingTimeInterval(1.5)
            while Date() < end { #expect(try client.get(key) == nil) }
            try file.write(" whole")
            file.close()
            #expect(try client.get(key)?.value == "half whole")
        }

        @Test("a log that stays open in append mode is served as far as it goes after the publish interval")
        func appendedLog() throws {
            let daemon = try Daemon(["--publish-interval", "0.2"])
            defer { daemon.remove() }
            let client = try daemon.client()
            let key = Daemon.prefix + "/log"
            let file = try OpenFile(daemon.path("log"), appending: true)
            defer { file.close() }
            try file.write("one\n")
            #expect(try Shell.waitUntil(timeoutSeconds: 5) { try client.get(key)?.value == "one\n" })
            try file.write("two\n")
            #expect(try Shell.waitUntil(timeoutSeconds: 5) { try client.get(key)?.value == "one\ntwo\n" })
        }

        @Test("descriptors that child processes close in the middle publish nothing before the writer is done")
        func inheritedDescriptors() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            try Shell.python(
                "inherited.py", [daemon.path("page"), "\(daemon.port)", Daemon.prefix + "/page"])
        }

        @Test("one rename of a symlink switches every key to the new release at once")
        func releaseSwitch() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            for release in ["1", "2"] {
                try FileManager.default.createDirectory(
                    atPath: daemon.path("releases/\(release)"), withIntermediateDirectories: true)
                for page in 0..<20 {
                    try Files.write(
                        "release \(release) page \(page)", to: daemon.path("releases/\(release)/\(page)"))
                }
            }
            for round in 0..<100 {
                let release = round % 2 == 0 ? "1" : "2"
                try Files.makeSymlink(to: "releases/\(release)", at: daemon.path("next"))
                try Files.rename(daemon.path("next"), to: daemon.path("current"))
                for page in 0..<20 {
                    let value = try client.get("\(Daemon.prefix)/current/\(page)")?.value
                    #expect(value == "release \(release) page \(page)")
                }
            }
        }
    }
}
