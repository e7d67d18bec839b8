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
#include <sys/socket.h>
#include <sys/stat.h>
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

/* Makes a call with an address that the process does not have. */
long fc_fault(const char *call)
{
    void *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int file = open("faulty", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY);
    long code = -1;
    if (!strcmp(call, "open")) code = syscall(SYS_openat, AT_FDCWD, bad, O_RDONLY);
    if (!strcmp(call, "stat")) code = syscall(SYS_newfstatat, AT_FDCWD, "faulty", bad, 0);
    if (!strcmp(call, "mkdir")) code = syscall(SYS_mkdirat, AT_FDCWD, bad, 0700);
    if (!strcmp(call, "unlink")) code = syscall(SYS_unlinkat, AT_FDCWD, bad, 0);
    if (!strcmp(call, "rename")) code = syscall(SYS_renameat2, AT_FDCWD, "faulty", AT_FDCWD, bad, 0);
    if (!strcmp(call, "symlink")) code = syscall(SYS_symlinkat, bad, AT_FDCWD, "link");
    if (!strcmp(call, "readlink") && (!symlink("t", "link") || errno == EEXIST))
        code = syscall(SYS_readlinkat, AT_FDCWD, "link", bad, 100);
    if (!strcmp(call, "write")) code = syscall(SYS_write, file, bad, 100);
    if (!strcmp(call, "read") && pwrite(file, "text", 4, 0) == 4) code = syscall(SYS_read, file, bad, 100);
    if (!strcmp(call, "getxattr")) code = syscall(SYS_getxattr, "faulty", bad, NULL, 0);
    if (!strcmp(call, "readdir")) code = syscall(SYS_getdents64, directory, bad, 4096);
    int error = errno;
    close(file);
    close(directory);
    munmap(bad, 4096);
    errno = error;
    return code;
}

unsigned fc_major(uint64_t device) { return major(device); }
unsigned fc_minor(uint64_t device) { return minor(device); }
