// WholeTreeTests: trees that nobody here wrote, copied in and fetched through nginx.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct WholeTreeTests {
        @Test("every file of /usr/share/doc and /usr/include is served byte for byte, and none after rm -r")
        func wholeTree() throws {
            let daemon = try Daemon(["-m", "1024"])
            defer { daemon.remove() }
            let nginx = try Nginx(before: daemon)
            defer { nginx.remove() }
            let trees = ["/usr/share/doc", "/usr/include"]
            for tree in trees { try Shell.bash("cp -a \(tree) \(daemon.path(""))", timeoutSeconds: 300) }
            let count = try Shell.bash("find \(trees.joined(separator: " ")) -type f | wc -l")
            let kilobytes = try Shell.bash("du -sck \(trees.joined(separator: " ")) | tail -1 | cut -f1")
            #expect(Int(count.trimmingCharacters(in: .newlines)) ?? 0 >= 3000)
            #expect(Int(kilobytes.trimmingCharacters(in: .newlines)) ?? 0 >= 50_000)
            for (index, door) in nginx.doors.enumerated() {
                print("through nginx by \(door.name):")
                // Both trees by TCP; the smaller by the unix socket too.
                for tree in trees.prefix(index == 0 ? 2 : 1) {
                    try Shell.python("fetch_tree.py", [tree, "\(door.port)", "/" + name(tree)])
                }
            }
            try Shell.bash("diff -r --no-dereference /usr/include \(daemon.path("include"))", timeoutSeconds: 300)
            try Shell.bash("rm -r \(daemon.path("doc")) \(daemon.path("include"))", timeoutSeconds: 300)
            for tree in trees {
                try Shell.python("fetch_tree.py", [tree, "\(nginx.tcpPort)", "/" + name(tree), "gone"])
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: daemon.path("")) == [])
        }

        private func name(_ tree: String) -> String { String(tree.split(separator: "/").last ?? "") }

        @Test("rsync -a, tar x, mv, ln, find, du and df do what they do on any filesystem")
        func programs() throws {
            let daemon = try Daemon(["-m", "256"])
            defer { daemon.remove() }
            let mount = daemon.path("")
            let source = "/usr/share/doc/bash /usr/share/doc/coreutils /usr/share/doc/apt"
            try Shell.bash(
                """
                cd \(mount)
                mkdir r t
                rsync -a \(source) r/
                rsync -ai \(source) r/ > \(daemon.scratch.path)/second
                test ! -s \(daemon.scratch.path)/second
                tar -C /usr/share/doc -cf - bash coreutils apt | tar -C t -xpf -
                diff -r r t
                mv t/apt t/moved && test -d t/moved && test ! -e t/apt
                echo one > a && ln a b && ln -s a c && echo two >> b
                test "$(cat c)" = "$(printf 'one\\ntwo')" && test $(stat -c %h a) = 2
                printf new > .a.swp && mv .a.swp a && test "$(cat c)" = new && test "$(cat b)" = "$(printf 'one\\ntwo')"
                test $(find r -type f | wc -l) = $(cd /usr/share/doc && find bash coreutils apt -type f | wc -l)
                test $(du -s r | cut -f1) -gt 100
                test $(df --output=size . | tail -1) -gt 200000
                rm -r r t a b c
                test -z "$(ls -A)"
                """)
        }
    }
}
