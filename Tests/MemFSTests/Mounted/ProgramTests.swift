// Programs that people use every day, on a real mount. Each script prints nothing but what the test names.
import MemStore
import Testing

@testable import MemFS

@Suite("Programs on the mount", .enabled(if: MountTests.areWanted), .serialized)
struct ProgramTests {
    private let mount: TestMount
    init() throws { mount = try TestMount() }

    /// Everything about a tree that a copy must keep, as one line for each file.
    private static let list =
        "list() { (cd \"$1\" && find . ! -name . -printf '%P %m %U %G %T@ %y %l %n %s\\n' | grep -v ' d ' | sort); }"

    @Test("rsync -aHAX keeps a tree, and a second run transfers and deletes nothing")
    func rsync() throws {
        #expect(
            try mount.shell(
                """
                mkdir source; cp -a /usr/include/linux source/linux; ln source/linux/fuse.h source/hard
                ln -s linux/fuse.h source/soft; mkfifo source/fifo; mknod source/null c 1 3; chmod 6755 source/linux/fs.h
                setfattr -n user.kind -v header source/linux/fs.h; touch -d @1.123456789 source/linux/aio_abi.h
                chown -h 33:44 source/soft source/fifo
                rsync -aHAX --delete source/ copy
                \(Self.list); diff <(list source | grep ' f ') <(list copy | grep ' f ') && diff -r --no-dereference --exclude fifo --exclude null source copy
                getfattr --only-values -n user.kind copy/linux/fs.h; echo; stat -c '%F %u' copy/soft copy/fifo copy/null
                rsync -aHAX --delete --itemize-changes source/ copy
                rm source/linux/fs.h; rsync -aHAX --delete --itemize-changes source/ copy | grep -v '^[.]d'
                """) == "header\nsymbolic link 33\nfifo 33\ncharacter special file 0\n*deleting   linux/fs.h")
    }

    @Test("tar with access lists and attributes goes out and back in without a difference")
    func tar() throws {
        #expect(
            try mount.shell(
                """
                mkdir a b; cp -a /usr/include/asm-generic a/; ln a/asm-generic/types.h a/hard; ln -s hard a/soft; mkfifo a/p
                truncate -s 5M a/sparse; echo end >> a/sparse
                tar --acls --xattrs -cSf t.tar -C a . && tar --acls --xattrs -xpSf t.tar -C b
                \(Self.list); diff <(list a) <(list b) && diff -r --exclude p a b
                """) == "")
    }

    @Test("mv, ln, find, du, df and rm -r do what they say")
    func everyday() throws {
        #expect(
            try mount.shell(
                """
                cp -a /usr/include/asm-generic x && mv x y && mv y/types.h y/moved.h && ln y/moved.h y/again.h
                find y -type f -links 2 | sort; find y -newermt '2100-01-01'; find y -name 'again*' -delete; find y -type f -links 2
                du -s --apparent-size y | cut -f 2; df . | wc -l
                mkdir z && cp /etc/passwd z && mv -T z y/z && cmp y/z/passwd /etc/passwd
                mv y/z/passwd /tmp/memfisd-moved.$$ && mv /tmp/memfisd-moved.$$ back && cmp back /etc/passwd
                rm -r y back; ls -A
                """) == "y/again.h\ny/moved.h\ny\n2")
    }

    @Test("what sed -i, vim and appending change is on the port whole")
    func editors() throws {
        #expect(
            try mount.shell(
                """
                printf 'one\\ntwo\\n' > page && sed -i 's/one/1/' page && cat page
                vim -u NONE -es -c '%s/two/2/' -c wq page < /dev/null > /dev/null; cat page; echo 3 >> page; ls -A
                """) == "1\ntwo\n1\n2\npage")
        #expect(mount.published("/page", otherThan: "1\n2\n") == "1\n2\n3\n")
    }

    @Test("git clones, commits, collects its garbage and finds nothing wrong")
    func git() throws {
        #expect(
            try mount.shell(
                """
                export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
                git init -q -b main origin && cp -r /usr/include/asm-generic /usr/include/netinet origin/ && cd origin
                git add -A && git commit -qm first
                for i in 1 2 3; do echo "/* $i */" >> netinet/in.h; git mv asm-generic/types.h asm-generic/t$i.h
                  git commit -qam "change $i"; git mv asm-generic/t$i.h asm-generic/types.h; git commit -qm "back $i"; done
                cd .. && git clone -q --no-local origin clone && cd clone && git gc -q --aggressive --prune=now
                git fsck --full --strict --no-progress && git status --porcelain && git log --oneline | wc -l
                git checkout -q HEAD~3 && git checkout -q main && diff -r --exclude .git . ../origin
                """) == "7")
    }

    @Test("SQLite keeps its promises under both journals when its writer is killed", arguments: ["wal", "delete"])
    func sqlite(journal: String) throws {
        #expect(
            try mount.shell(
                """
                sqlite3 base 'pragma journal_mode=\(journal); create table t(a integer primary key, b text)' > /dev/null
                for round in 1 2 3; do
                  (while :; do echo "insert into t(b) values(hex(randomblob(500)));"; done) | sqlite3 -batch base &
                  sleep 0.5; kill -9 $! ; wait $! 2> /dev/null
                  sqlite3 -cmd '.timeout 5000' base 'pragma integrity_check'
                done
                sqlite3 -cmd '.timeout 5000' base 'select count(*) > 10, count(*) = max(a) from t'
                sqlite3 -cmd '.timeout 5000' base 'delete from t where a % 2; vacuum; pragma integrity_check'
                """) == "ok\nok\nok\n1|1\nok")
    }

    @Test("a C program is built from several sources and runs")
    func compile() throws {
        #expect(
            try mount.shell(
                """
                for i in $(seq 12); do echo "int f$i(int x) { return x + $i; }" > f$i.c; done
                { for i in $(seq 12); do echo "int f$i(int);"; done
                  echo '#include <stdio.h>'; echo 'int main(void) { int x = 0;'
                  for i in $(seq 12); do echo "x = f$i(x);"; done; echo 'printf("%d\\n", x); return 0; }'; } > main.c
                { echo 'OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))'; echo 'sum: $(OBJECTS)'; printf '\\tgcc -o $@ $^\\n'
                  echo '%.o: %.c'; printf '\\tgcc -c -o $@ $<\\n'; } > Makefile
                make -s -j4 && ./sum && make -s && touch f3.c && make -n | grep -c 'gcc -c' && ar rc lib.a *.o && ar t lib.a | wc -l
                """) == "78\n1\n13")
    }
}
