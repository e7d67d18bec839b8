/* FileContents: random calls on the content of one file, each result compared with a copy in memory.
 *
 *   file-contents FILE SEED COUNT
 *
 * Prints how often each call was made, or the last calls before the first difference, and then exits with 1.
 * FILE_CONTENTS_FAULT=N changes one byte of the copy behind call N, so that one sees that differences are found. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 3 << 20, LENGTH_MAX = 200000, PAGE = 4096 };

static const char *path;
static int file = -1, is_direct;
static uint8_t model[SIZE_MAX_BYTES], *buffer;
static int64_t size;
static uint64_t state;

/* The last calls, for the report. */
static struct {
    const char *name;
    int64_t offset, length, size;
} history[20];
static long call_number;

static uint64_t below(uint64_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % bound;
}

static void fail(const char *what, int64_t at)
{
    printf("call %ld: %s at %lld: errno %d\n", call_number, what, (long long)at, errno);
    for (long i = call_number > 19 ? call_number - 19 : 1; i <= call_number; i++)
        printf("%ld: %s %lld %lld, size was %lld\n", i, history[i % 20].name, (long long)history[i % 20].offset,
               (long long)history[i % 20].length, (long long)history[i % 20].size);
    exit(1);
}

/* Offsets and lengths that like the borders of pages. */
static int64_t place(int64_t bound)
{
    if (bound <= 0) return 0;
    int64_t value = below(bound);
    switch (below(4)) {
    case 0: return value & ~(int64_t)(PAGE - 1);
    case 1: return value | (PAGE - 1);
    default: return value;
    }
}

static void reopen(int flags)
{
    if (file >= 0 && close(file)) fail("close", 0);
    is_direct = flags & O_DIRECT ? 1 : 0;
    file = open(path, O_RDWR | O_CLOEXEC | flags, 0644);
    if (file < 0) fail("open", flags);
}

static void compare(const uint8_t *found, int64_t offset, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (found[i] != model[offset + i]) fail("another byte", offset + i);
}

static void check_size(void)
{
    struct stat status;
    if (fstat(file, &status)) fail("fstat", 0);
    if (status.st_size != size) fail("another size", status.st_size);
}

static void grow(int64_t end)
{
    if (end > size) size = end;
}

static void fill(uint8_t *bytes, int64_t count)
{
    for (int64_t i = 0; i < count; i++) bytes[i] = (uint8_t)(call_number * 7 + i * (1 + call_number % 5));
}

static void do_read(int64_t offset, int64_t length)
{
    ssize_t count = pread(file, buffer, length, offset);
    int64_t wanted = offset >= size ? 0 : size - offset < length ? size - offset : length;
    if (count != wanted) fail("another count", count);
    compare(buffer, offset, count);
}

static void do_write(int64_t offset, int64_t length)
{
    fill(buffer, length);
    if (pwrite(file, buffer, length, offset) != length) fail("pwrite", offset);
    if (offset > size) memset(model + size, 0, offset - size);
    memcpy(model + offset, buffer, length);
    grow(offset + length);
}

static void do_append(int64_t length)
{
    int log = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (log < 0 || size + length > SIZE_MAX_BYTES) {
        if (log < 0 || close(log)) fail("open to append", 0);
        return;
    }
    fill(buffer, length);
    if (write(log, buffer, length) != length || close(log)) fail("append", size);
    memcpy(model + size, buffer, length);
    size += length;
}

static void do_truncate(int64_t length, int by_path)
{
    if (by_path ? truncate(path, length) : ftruncate(file, length)) fail("truncate", length);
    if (length > size) memset(model + size, 0, length - size);
    size = length;
}

static void do_map(int64_t offset, int64_t length, int writes)
{
    if (offset >= size) return;
    if (offset + length > size) length = size - offset;
    int64_t start = offset & ~(int64_t)(PAGE - 1), count = offset + length - start;
    uint8_t *map = mmap(NULL, count, PROT_READ | (writes ? PROT_WRITE : 0), MAP_SHARED, file, start);
    if (map == MAP_FAILED) fail("mmap", start);
    if (writes) {
        fill(map + (offset - start), length);
        memcpy(model + offset, map + (offset - start), length);
        if (below(2) && msync(map, count, MS_SYNC)) fail("msync", start);
    }
    compare(map, start, count);
    /* What lies behind the end in its page is zero. */
    for (int64_t i = count; start + i == size + (i - count) && i % PAGE; i++)
        if (map[i] && !writes && start + i >= size) fail("a byte behind the end", start + i);
    if (munmap(map, count)) fail("munmap", start);
}

static void do_allocate(int mode, int64_t offset, int64_t length)
{
    if (fallocate(file, mode, offset, length)) {
        /* tmpfs cannot do this one. */
        if (errno == EOPNOTSUPP && mode & FALLOC_FL_ZERO_RANGE) return;
        fail("fallocate", mode);
    }
    int64_t end = offset + length;
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        for (int64_t i = offset; i < end && i < size; i++) model[i] = 0;
    if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size) {
        memset(model + size, 0, end - size);
        size = end;
    }
}

static void do_copy(int64_t from, int64_t to, int64_t length)
{
    /* Whole blocks may be shared. */
    if (below(2)) {
        from &= ~(int64_t)65535;
        to &= ~(int64_t)65535;
        length = (length + 65535) & ~(int64_t)65535;
    }
    if (from >= size) return;
    if (from + length > size) length = size - from;
    if (from < to + length && to < from + length) return;
    if (is_direct) return;
    loff_t in = from, out = to;
    ssize_t count = copy_file_range(file, &in, file, &out, length, 0);
    if (count <= 0 || count > length) fail("copy_file_range", count);
    if (to > size) memset(model + size, 0, to - size);
    memmove(model + to, model + from, count);
    grow(to + count);
}

/* Between where data ends and where it begins again there are zeros. */
static void do_seek(int64_t offset)
{
    int64_t hole = lseek(file, offset, SEEK_HOLE), data = lseek(file, offset, SEEK_DATA);
    if (offset >= size) {
        if (hole != -1 || data != -1) fail("a place behind the end", offset);
        return;
    }
    if (hole < offset || hole > size) fail("SEEK_HOLE", hole);
    int64_t end = data < 0 ? size : data;
    for (int64_t i = offset; i < end; i++)
        if (model[i]) fail("data in a hole", i);
}

static const char *const names[] = {"read", "write", "append", "ftruncate", "truncate", "mapread", "mapwrite", "allocate",
                                    "keepsize", "punch", "zero", "zerokeep", "copy", "seek", "fsync", "reopen", "direct",
                                    "readdirect", "checksum"};
enum { CALL_COUNT = sizeof names / sizeof *names };
/* Of a hundred. */
static const int shares[CALL_COUNT] = {18, 20, 4, 4, 3, 8, 9, 3, 2, 5, 3, 2, 5, 3, 3, 3, 2, 2, 1};

static int choose(void)
{
    int point = below(100), call = 0;
    while (call < CALL_COUNT - 1 && point >= shares[call]) point -= shares[call++];
    return call;
}

static void make(int call)
{
    int64_t offset = place(size + 60000 < SIZE_MAX_BYTES - LENGTH_MAX ? size + 60000 : SIZE_MAX_BYTES - LENGTH_MAX);
    int64_t length = 1 + place(below(3) ? 5000 : LENGTH_MAX - 1);
    if (is_direct && call <= 1) {
        offset &= ~(int64_t)511;
        length = (length + 511) & ~(int64_t)511;
    }
    history[call_number % 20].name = names[call];
    history[call_number % 20].offset = offset;
    history[call_number % 20].length = length;
    history[call_number % 20].size = size;
    switch (call) {
    case 0: do_read(offset, length); break;
    case 1: do_write(offset, length); break;
    case 2: do_append(length); break;
    case 3: do_truncate(offset, 0); break;
    case 4: do_truncate(offset, 1); break;
    case 5: do_map(offset, length, 0); break;
    case 6: do_map(offset, length, 1); break;
    case 7: do_allocate(0, offset, length); break;
    case 8: do_allocate(FALLOC_FL_KEEP_SIZE, offset, length); break;
    case 9: do_allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length); break;
    case 10: do_allocate(FALLOC_FL_ZERO_RANGE, offset, length); break;
    case 11: do_allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length); break;
    case 12: do_copy(place(size), offset, length); break;
    case 13: do_seek(offset); break;
    case 14:
        if (fsync(file)) fail("fsync", 0);
        break;
    case 15: reopen(0); break;
    case 16: reopen(O_DIRECT); break;
    case 17:
        if (posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)) fail("fadvise", 0);
        do_read(offset, length);
        break;
    default: reopen(0); do_read(0, LENGTH_MAX);
    }
}

int main(int count, char **words)
{
    if (count != 4) return fprintf(stderr, "usage: file-contents FILE SEED COUNT\n"), 64;
    path = words[1];
    state = strtoull(words[2], NULL, 10) * 0x9e3779b97f4a7c15u | 1;
    long calls = atol(words[3]), counts[CALL_COUNT] = {0};
    const char *fault = getenv("FILE_CONTENTS_FAULT");
    if (posix_memalign((void **)&buffer, PAGE, LENGTH_MAX + PAGE)) return 1;
    reopen(O_CREAT | O_TRUNC);
    for (call_number = 1; call_number <= calls; call_number++) {
        int call = choose();
        make(call);
        counts[call]++;
        check_size();
        if (fault && atol(fault) == call_number && size > 0) model[size / 2] ^= 1;
        /* The whole now and then, and at the end. */
        if (call_number % 200 == 0 || call_number == calls) {
            reopen(0);
            for (int64_t at = 0; at < size; at += LENGTH_MAX) do_read(at, LENGTH_MAX);
        }
    }
    for (int i = 0; i < CALL_COUNT; i++) printf("%s %ld%s", names[i], counts[i], i < CALL_COUNT - 1 ? ", " : "\n");
    return close(file) || unlink(path);
}
