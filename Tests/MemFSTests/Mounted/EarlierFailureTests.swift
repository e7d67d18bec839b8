// What the proof of concept of 2011 could not do, one failure after the other.
import MemStore
import Testing

@testable import MemFS

@Suite("What the proof of concept could not do", .enabled(if: MountTests.areWanted), .serialized)
struct EarlierFailureTests {
    private let mount: TestMount
    init() throws { mount = try TestMount() }

    @Test(
        "scripts on which it failed work",
        arguments: [
            ("reading past 128 KiB", "seq 100000 > big; tail -n 1 big; wc -c < big", "100000\n588895"),
            (
                "files over 1 MiB", "head -c 3000000 /dev/zero > big; printf end >> big; tail -c 3 big; wc -c < big",
                "end3000003"
            ),
            ("overwriting with less", "printf 'a long text' > f; printf short > f; cat f", "short"),
            (
                "writing at an offset",
                "printf abcdef > f; printf XY | dd of=f bs=1 seek=2 conv=notrunc status=none; cat f", "abXYef"
            ),
            ("truncating", "printf abcdef > f; truncate -s 3 f; cat f; truncate -s 5 f; wc -c < f", "abc5"),
            ("renaming", "printf a > f; mv f g; mkdir d; mv g d/h; cat d/h; mv d e; cat e/h", "aa"),
            ("links", "printf a > f; ln f g; ln -s f s; rm f; cat g; stat -c %h g; readlink s", "a1\nf"),
            ("names with blanks", "printf a > 'a b'; cat 'a b'; ls", "aa b"),
            (
                "paths over 250 bytes", "d=$(printf 'd%.0s' {1..200}); mkdir -p $d/$d; printf a > $d/$d/f; cat $d/$d/f",
                "a"
            ),
            ("times", "touch -d @12.5 f; stat -c '%.1Y' f; touch -a -d @7 f; stat -c '%X %.1Y' f", "12.5\n7 12.5"),
            ("names that are not ASCII", "printf a > é; printf b > $'\\xff'; ls | wc -l; cat é", "2\na"),
            (
                "full directories", "mkdir d; touch d/f; rmdir d; ls d",
                "rmdir: failed to remove 'd': Directory not empty\nf"
            ),
            (
                "modes and owners", "touch f; chmod 4751 f; chown 12:34 f; chmod 4751 f; stat -c '%a %u %g' f",
                "4751 12 34"
            ),
        ])
    func script(what: String, script: String, output: String) throws {
        #expect(try mount.shell(script) == output, "\(what)")
    }

    @Test("what is written through a mapping is kept")
    func mapping() throws {
        let program =
            "import mmap; f = open(\"page\", \"r+b\"); m = mmap.mmap(f.fileno(), 0); m[0:3] = b\"new\"; m.close()"
        #expect(try mount.shell("printf oldest > page; /usr/bin/python3 -c '\(program)'; cat page") == "newest")
        #expect(mount.published("/page", otherThan: "oldest") == "newest")
    }

    @Test("an empty file has a key")
    func empty() throws {
        #expect(try mount.shell(": > page") == "")
        #expect(mount.published("/page", otherThan: nil) == "")
    }

    @Test("a file with a blank in its name, one over 1 MiB and one below a long path are served whole")
    func served() throws {
        #expect(try mount.shell("printf a > 'a b'; head -c 1500000 /dev/zero > big") == "")
        #expect(mount.published("/a%20b") == "a")
        #expect(mount.published("/big")?.utf8.count == 1_500_000)
    }
}
