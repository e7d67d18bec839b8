// ForeignNameTests: mount points and directories to preload whose names are not UTF-8, wherever they are written.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct ForeignNameTests {
        /// How a start is told the names in $mount and $site, in words of bash.
        static let ways = [
            #""$program" --config= --preload "$site" "$mount""#,
            #"MEMFISD_PRELOAD="$site" MEMFISD_MOUNTPOINT="$mount" "$program" --config="#,
            #"printf 'preload %s\nmountpoint "%s"\n' "$site" "$mount" >conf; "$program" --config conf"#,
            // What --print-config prints says the same.
            #""$program" --config= --preload "$site" --print-config "$mount" >conf; "$program" --config conf"#,
            #"(cd "$mount" && exec "$program" --config= --preload "$site" .)"#,
            #"MEMFISD_PROGRAM="$program" "$helper" none "$mount" -o preload="$site""#,
        ]

        @Test("they are mounted on, copied from and unmounted", arguments: ways)
        func names(way: String) throws {
            try Requirements.mountsArePossible()
            let scratch = try Scratch()
            defer { scratch.remove() }
            let result = try Shell.run(
                [
                    "bash", Repository.path("Tests/SystemTests/Scripts/foreign_name.sh"), scratch.path,
                    Daemon.programPath,
                    Repository.path("deploy/mount/mount.memfisd"), "\(try Ports.free())", way,
                ])
            // What mount.memfisd starts logs elsewhere.
            #expect(result.output == "page\n0\n\(way.contains("$helper") ? 0 : 1)\n", "\(result.errors)")
        }
    }
}
