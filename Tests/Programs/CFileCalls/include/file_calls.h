/* System calls that Glibc's Swift module lacks, one plain function each. They return what the call returns, with errno. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

int fc_fork(void);
int fc_become(uid_t uid, gid_t gid, const gid_t *groups, size_t count);
int fc_rename(const char *from, const char *to, unsigned flags);
int fc_mknod(const char *path, mode_t mode, unsigned major, unsigned minor);
int fc_fallocate(int file, int mode, int64_t offset, int64_t length);
int64_t fc_seek(int file, int64_t offset, int whence);
ssize_t fc_copy(int from, int64_t from_offset, int to, int64_t to_offset, size_t length);
int fc_link(const char *from, const char *to, int flags);
int fc_utimens(const char *path, int64_t atime, int64_t atime_ns, int64_t mtime, int64_t mtime_ns, int flags);
int fc_access(const char *path, int mode);
ssize_t fc_setxattr(const char *path, const char *name, const char *value, size_t length, int flags);
ssize_t fc_getxattr(const char *path, const char *name, char *value, size_t room);
ssize_t fc_listxattr(const char *path, char *names, size_t room);
int fc_removexattr(const char *path, const char *name);
int fc_write_mapped(int file, int64_t offset, const char *bytes, size_t length);
int fc_set_mode(int file, mode_t mode);
int fc_set_append(int file, int appends);
int fc_lock(int file, int exclusive);
uint64_t fc_digest(const void *bytes, size_t count);
int fc_spawn(const char *path);
int fc_reap(int pid);
int fc_bind(const char *path);
int fc_connect(const char *path);
long fc_pathconf(const char *path, const char *name);
int fc_remount(const char *path, int read_only);
int fc_cover(const char *path);
int fc_uncover(const char *path);
long fc_fault(const char *call);
unsigned fc_major(uint64_t device);
unsigned fc_minor(uint64_t device);
int fc_set_mode_of_link(const char *path, mode_t mode);
int fc_link_open(int file, const char *to);
int fc_statfs(const char *path);
int fc_fstatfs(int file);
int fc_posix_fallocate(int file, int64_t offset, int64_t length);
int fc_set_times(int file, int64_t atime, int64_t atime_ns, int64_t mtime, int64_t mtime_ns);
int fc_limit_size(int64_t size);
