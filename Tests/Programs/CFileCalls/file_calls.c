#define _GNU_SOURCE
#include "file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

int fc_fork(void) { return fork(); }

/* Dies with its parent, and has the given identity and no other group. */
int fc_become(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
    if (setgroups(count, groups) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) return -1;
    return prctl(PR_SET_PDEATHSIG, 9);
}

int fc_rename(const char *from, const char *to, unsigned flags) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags); }

int fc_mknod(const char *path, mode_t mode, unsigned major, unsigned minor)
{
    return mknod(path, mode, makedev(major, minor));
}

int fc_fallocate(int file, int mode, int64_t offset, int64_t length) { return fallocate(file, mode, offset, length); }
int64_t fc_seek(int file, int64_t offset, int whence) { return lseek(file, offset, whence); }

ssize_t fc_copy(int from, int64_t from_offset, int to, int64_t to_offset, size_t length)
{
    return copy_file_range(from, &from_offset, to, &to_offset, length, 0);
}

int fc_link(const char *from, const char *to, int flags) { return linkat(AT_FDCWD, from, AT_FDCWD, to, flags); }

int fc_utimens(const char *path, int64_t atime, int64_t atime_ns, int64_t mtime, int64_t mtime_ns, int flags)
{
    struct timespec times[2] = {{atime, atime_ns}, {mtime, mtime_ns}};
    return utimensat(AT_FDCWD, path, times, flags);
}

int fc_access(const char *path, int mode) { return faccessat(AT_FDCWD, path, mode, AT_EACCESS); }

ssize_t fc_setxattr(const char *path, const char *name, const char *value, size_t length, int flags)
{
    return lsetxattr(path, name, value, length, flags);
}

ssize_t fc_getxattr(const char *path, const char *name, char *value, size_t room)
{
    return lgetxattr(path, name, value, room);
}

ssize_t fc_listxattr(const char *path, char *names, size_t room) { return llistxattr(path, names, room); }
int fc_removexattr(const char *path, const char *name) { return lremovexattr(path, name); }

/* Writes through a shared mapping; refuses what does not lie in the file, where a touch of it is a signal. */
int fc_write_mapped(int file, int64_t offset, const char *bytes, size_t length)
{
    struct stat status;
    if (fstat(file, &status)) return -1;
    if (!S_ISREG(status.st_mode) || offset + (int64_t)length > status.st_size) {
        errno = ENXIO;
        return -1;
    }
    int64_t page = sysconf(_SC_PAGESIZE), start = offset / page * page;
    size_t size = offset - start + length;
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, start);
    if (map == MAP_FAILED) return -1;
    memcpy(map + (offset - start), bytes, length);
    return munmap(map, size);
}

int fc_set_mode(int file, mode_t mode) { return fchmod(file, mode); }

/* Sets or clears O_APPEND of an open file. */
int fc_set_append(int file, int appends)
{
    int flags = fcntl(file, F_GETFL);
    return flags < 0 ? -1 : fcntl(file, F_SETFL, appends ? flags | O_APPEND : flags & ~O_APPEND);
}

int fc_lock(int file, int exclusive) { return flock(file, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB); }
/* FNV-1a. */
uint64_t fc_digest(const void *bytes, size_t count)
{
    uint64_t digest = 14695981039346656037u;
    for (const uint8_t *byte = bytes; count--; byte++) digest = (digest ^ *byte) * 1099511628211u;
    return digest;
}

/* Returns when the program runs, or when it could not be run. */
int fc_spawn(const char *path)
{
    char *words[] = {(char *)path, "1000", NULL}, *environment[] = {NULL};
    pid_t pid;
    int code = posix_spawn(&pid, path, NULL, NULL, words, environment);
    if (code == 0) return pid;
    errno = code;
    return -1;
}

int fc_reap(int pid) { return kill(pid, SIGKILL) ? -1 : waitpid(pid, NULL, 0) == pid ? 0 : -1; }

static int with_address(const char *path, int (*call)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0 || call(file, (struct sockaddr *)&address, sizeof address) == 0) return file;
    int code = errno;
    close(file);
    errno = code;
    return -1;
}

/* A listening socket with a name. */
int fc_bind(const char *path)
{
    int file = with_address(path, bind);
    return file < 0 || listen(file, 5) ? -1 : file;
}

int fc_connect(const char *path)
{
    int file = with_address(path, connect);
    return file < 0 ? -1 : close(file);
}

long fc_pathconf(const char *path, const char *name)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {{"nameMax", _PC_NAME_MAX}, {"pathMax", _PC_PATH_MAX}, {"linkMax", _PC_LINK_MAX},
                 {"pipeMax", _PC_PIPE_BUF}, {"noTrunc", _PC_NO_TRUNC}, {"chownRestricted", _PC_CHOWN_RESTRICTED},
                 {"fileSizeBits", _PC_FILESIZEBITS}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, name)) return pathconf(path, known[i].number);
    errno = EINVAL;
    return -1;
}

int fc_remount(const char *path, int read_only)
{
    return mount(NULL, path, NULL, MS_REMOUNT | (read_only ? MS_RDONLY : 0), NULL);
}

/* Mounts something on a name: another filesystem on a directory, the file itself on a file. */
int fc_cover(const char *path)
{
    struct stat status;
    if (stat(path, &status)) return -1;
    return S_ISDIR(status.st_mode) ? mount("none", path, "tmpfs", 0, "mode=777") : mount(path, path, NULL, MS_BIND, NULL);
}

int fc_uncover(const char *path) { return umount2(path, MNT_DETACH); }

/* Makes a call with an address that the process does not have, by system calls alone: the library would touch it. */
long fc_fault(const char *call)
{
    void *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int file = open("faulty", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY), here = AT_FDCWD;
    char *path = "faulty";
    long code = -1;
    if (pwrite(file, "text", 4, 0) == 4) fsetxattr(file, "user.x", "v", 1, 0);
    if (symlink("t", "link") && errno != EEXIST) return -1;
#define CASE(name, ...) if (!strcmp(call, name)) code = syscall(__VA_ARGS__)
    CASE("open", SYS_openat, here, bad, O_RDONLY);
    CASE("creat", SYS_openat, here, bad, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CASE("stat", SYS_newfstatat, here, bad, bad, 0);
    CASE("stat-result", SYS_newfstatat, here, path, bad, 0);
    CASE("lstat", SYS_newfstatat, here, bad, bad, AT_SYMLINK_NOFOLLOW);
    CASE("access", SYS_faccessat, here, bad, 0);
    CASE("mkdir", SYS_mkdirat, here, bad, 0700);
    CASE("rmdir", SYS_unlinkat, here, bad, AT_REMOVEDIR);
    CASE("unlink", SYS_unlinkat, here, bad, 0);
    CASE("rename", SYS_renameat2, here, bad, here, path, 0);
    CASE("rename-to", SYS_renameat2, here, path, here, bad, 0);
    CASE("symlink", SYS_symlinkat, path, here, bad);
    CASE("symlink-target", SYS_symlinkat, bad, here, "other");
    CASE("link", SYS_linkat, here, bad, here, "other", 0);
    CASE("link-to", SYS_linkat, here, path, here, bad, 0);
    CASE("mknod", SYS_mknodat, here, bad, S_IFREG | 0600, 0);
    CASE("mkfifo", SYS_mknodat, here, bad, S_IFIFO | 0600, 0);
    CASE("chmod", SYS_fchmodat, here, bad, 0600);
    CASE("chown", SYS_fchownat, here, bad, -1, -1, 0);
    CASE("lchown", SYS_fchownat, here, bad, -1, -1, AT_SYMLINK_NOFOLLOW);
    CASE("truncate", SYS_truncate, bad, 1L);
    CASE("utimens", SYS_utimensat, here, bad, NULL, 0x100);
    CASE("utimens-times", SYS_utimensat, here, path, bad, 0);
    CASE("readlink", SYS_readlinkat, here, bad, bad, 100);
    CASE("readlink-result", SYS_readlinkat, here, "link", bad, 100);
    CASE("statfs", SYS_statfs, bad, bad);
    CASE("statfs-result", SYS_statfs, path, bad);
    CASE("setxattr", SYS_setxattr, bad, "user.y", "v", 1, 0);
    CASE("setxattr-value", SYS_setxattr, path, "user.y", bad, 1, 0);
    CASE("getxattr", SYS_getxattr, path, bad, NULL, 0);
    CASE("getxattr-result", SYS_getxattr, path, "user.x", bad, 10);
    CASE("listxattr-result", SYS_listxattr, path, bad, 100);
    CASE("removexattr", SYS_removexattr, path, bad);
    CASE("read", SYS_pread64, file, bad, 100, 0L);
    CASE("write", SYS_write, file, bad, 100);
    CASE("readdir", SYS_getdents64, directory, bad, 4096);
    CASE("chdir", SYS_chdir, bad);
#undef CASE
    int error = errno;
    close(file);
    close(directory);
    munmap(bad, 4096);
    errno = error;
    return code;
}

/* fchmodat2(2), which the library does not have yet. */
int fc_set_mode_of_link(const char *path, mode_t mode) { return syscall(452, AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW); }
int fc_link_open(int file, const char *to) { return linkat(file, "", AT_FDCWD, to, AT_EMPTY_PATH); }
int fc_statfs(const char *path) { return statfs(path, &(struct statfs){0}); }
int fc_fstatfs(int file) { return fstatfs(file, &(struct statfs){0}); }

int fc_posix_fallocate(int file, int64_t offset, int64_t length)
{
    errno = posix_fallocate(file, offset, length);
    return errno ? -1 : 0;
}

int fc_set_times(int file, int64_t atime, int64_t atime_ns, int64_t mtime, int64_t mtime_ns)
{
    struct timespec times[2] = {{atime, atime_ns}, {mtime, mtime_ns}};
    return futimens(file, times);
}

/* How large the process may make files; -1 = as it likes. */
int fc_limit_size(int64_t size)
{
    struct rlimit limit = {size < 0 ? RLIM_INFINITY : (rlim_t)size, RLIM_INFINITY};
    return setrlimit(RLIMIT_FSIZE, &limit);
}

unsigned fc_major(uint64_t device) { return major(device); }
unsigned fc_minor(uint64_t device) { return minor(device); }
