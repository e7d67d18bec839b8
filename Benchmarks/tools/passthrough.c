/* The mount's limit for large files: a filesystem of one directory whose files are memory files (memfd_create), and which
 * has the kernel read and write those itself (FUSE_PASSTHROUGH, Linux 6.9). It has no second door, no versions and no
 * limit of memory: what it takes is the kernel's. Needs root.
 *
 * usage: passthrough MOUNTPOINT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Source: Linux' uapi header fuse.h of 7.40 and later; Debian 12's is older. */
#define INIT_EXTENDED (1u << 30)
#define SECOND_PASSTHROUGH (1u << 5)
#define OPEN_PASSTHROUGH (1u << 7)
struct backing_map { int32_t fd; uint32_t flags; uint64_t padding; };
#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

enum { FILES = 64, FIRST = 2, REQUEST_BYTES = (1 << 20) + 4096 };

static struct { char name[256]; int memory; uint32_t backing; mode_t mode; int unlinked, used, opens; } files[FILES];
static int device;

static void reply(uint64_t unique, int error, const void *body, size_t length)
{
    struct fuse_out_header head = {.len = sizeof head + length, .error = -error, .unique = unique};
    struct iovec pieces[2] = {{&head, sizeof head}, {(void *)body, length}};
    if (writev(device, pieces, length ? 2 : 1) < 0 && errno != ENOENT) perror("writev");
}

static void describe(uint64_t ino, struct fuse_attr *attributes)
{
    memset(attributes, 0, sizeof *attributes);
    attributes->ino = ino;
    attributes->nlink = 1;
    attributes->blksize = 4096;
    attributes->mode = S_IFDIR | 0755;
    if (ino == FUSE_ROOT_ID) return;
    struct stat status = {0};
    fstat(files[ino - FIRST].memory, &status);
    attributes->mode = S_IFREG | files[ino - FIRST].mode;
    attributes->size = status.st_size;
    attributes->blocks = status.st_blocks;
}

static void describe_entry(uint64_t ino, struct fuse_entry_out *entry)
{
    memset(entry, 0, sizeof *entry);
    entry->nodeid = ino;
    entry->entry_valid = entry->attr_valid = 3600;
    describe(ino, &entry->attr);
}

static int find(const char *name)
{
    for (int i = 0; i < FILES; i++)
        if (files[i].used && !files[i].unlinked && !strcmp(files[i].name, name)) return i;
    return -1;
}

static void free_if_unused(int i)
{
    if (!files[i].unlinked || files[i].opens) return;
    ioctl(device, BACKING_CLOSE, &files[i].backing);
    close(files[i].memory);
    files[i].used = 0;
}

static int create(const char *name, mode_t mode)
{
    for (int i = 0; i < FILES; i++) {
        if (files[i].used) continue;
        struct backing_map map = {.fd = memfd_create("file", MFD_CLOEXEC)};
        int backing = ioctl(device, BACKING_OPEN, &map);
        if (backing < 0) {
            close(map.fd);
            return -1;
        }
        memset(&files[i], 0, sizeof files[i]);
        snprintf(files[i].name, sizeof files[i].name, "%s", name);
        files[i].memory = map.fd;
        files[i].backing = backing;
        files[i].mode = mode & 07777;
        files[i].used = 1;
        return i;
    }
    return -1;
}

/* fuse_open_out as it is from 7.40 on: the last word is the backing file's number. */
struct opened { uint64_t handle; uint32_t flags; int32_t backing; };

static struct opened opened(int i)
{
    files[i].opens++;
    return (struct opened){.flags = OPEN_PASSTHROUGH | FOPEN_NOFLUSH, .backing = files[i].backing};
}

static void begin(uint64_t unique, const struct fuse_init_in *in)
{
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 40, .max_readahead = in->max_readahead,
                                .max_write = 1 << 20, .max_pages = 256, .time_gran = 1, .max_background = 64};
    out.flags = in->flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ATOMIC_O_TRUNC | FUSE_HANDLE_KILLPRIV_V2 | INIT_EXTENDED);
    out.flags2 = in->flags2 & SECOND_PASSTHROUGH;
    ((uint32_t *)&out)[9] = 1; /* max_stack_depth */
    if (!out.flags2) fprintf(stderr, "this kernel has no FUSE_PASSTHROUGH\n");
    reply(unique, 0, &out, sizeof out);
}

static void serve(const struct fuse_in_header *head)
{
    const void *body = head + 1;
    uint64_t ino = head->nodeid;
    int file = (int)ino - FIRST;
    struct fuse_entry_out entry;
    struct fuse_attr_out attributes = {.attr_valid = 3600};
    switch (head->opcode) {
    case FUSE_INIT: return begin(head->unique, body);
    case FUSE_FORGET: case FUSE_BATCH_FORGET: return;
    case FUSE_LOOKUP:
        if ((file = find(body)) < 0) return reply(head->unique, ENOENT, NULL, 0);
        describe_entry(file + FIRST, &entry);
        return reply(head->unique, 0, &entry, sizeof entry);
    case FUSE_SETATTR: {
        const struct fuse_setattr_in *in = body;
        if (in->valid & FATTR_SIZE && ftruncate(files[file].memory, in->size)) return reply(head->unique, errno, NULL, 0);
        if (in->valid & FATTR_MODE && ino != FUSE_ROOT_ID) files[file].mode = in->mode & 07777;
    } /* fall through */
    case FUSE_GETATTR:
        describe(ino, &attributes.attr);
        return reply(head->unique, 0, &attributes, sizeof attributes);
    case FUSE_CREATE: {
        const struct fuse_create_in *in = body;
        if ((file = create((const char *)(in + 1), in->mode)) < 0) return reply(head->unique, ENOSPC, NULL, 0);
        describe_entry(file + FIRST, &entry);
        struct { struct fuse_entry_out entry; struct opened opened; } both = {entry, opened(file)};
        return reply(head->unique, 0, &both, sizeof both);
    }
    case FUSE_OPEN: {
        const struct fuse_open_in *in = body;
        if (in->flags & O_TRUNC && ftruncate(files[file].memory, 0)) return reply(head->unique, errno, NULL, 0);
        struct opened answer = opened(file);
        return reply(head->unique, 0, &answer, sizeof answer);
    }
    case FUSE_RELEASE:
        files[file].opens--;
        free_if_unused(file);
        return reply(head->unique, 0, NULL, 0);
    case FUSE_UNLINK:
        if ((file = find(body)) < 0) return reply(head->unique, ENOENT, NULL, 0);
        files[file].unlinked = 1;
        free_if_unused(file);
        return reply(head->unique, 0, NULL, 0);
    case FUSE_STATFS: {
        struct fuse_statfs_out out = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
        return reply(head->unique, 0, &out, sizeof out);
    }
    default: return reply(head->unique, ENOSYS, NULL, 0);
    }
}

int main(int count, char **words)
{
    if (count != 2) return fprintf(stderr, "usage: passthrough MOUNTPOINT\n"), 64;
    char options[128];
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", device);
    if (device < 0 || mount("passthrough", words[1], "fuse.passthrough", 0, options)) return perror("mount"), 71;
    char *request = aligned_alloc(4096, REQUEST_BYTES);
    for (;;) {
        ssize_t length = read(device, request, REQUEST_BYTES);
        if (length >= (ssize_t)sizeof(struct fuse_in_header)) serve((struct fuse_in_header *)request);
        else if (length < 0 && errno == ENODEV) return 0;
        else if (length < 0 && errno != EINTR && errno != ENOENT) return perror("read"), 71;
    }
}
