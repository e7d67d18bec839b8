/* StuckReader: lists a directory, or reads a file, into memory that never arrives, so that the kernel keeps the directory's
 * lock, or uses the file's first page.
 *
 *   stuck-reader DIRECTORY|FILE
 *
 * Prints `stuck` when it is so, and lets go when its input ends. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

struct listing {
    int directory;
    int is_file;
    void *memory;
};

static void *list(void *argument)
{
    struct listing *listing = argument;
    if (listing->is_file)
        (void)!read(listing->directory, listing->memory, PAGE);
    else
        syscall(SYS_getdents64, listing->directory, listing->memory, PAGE);
    return NULL;
}

int main(int count, char **words)
{
    if (count != 2) return fprintf(stderr, "usage: stuck-reader DIRECTORY|FILE\n"), 64;
    struct stat status;
    int file = open(words[1], O_RDONLY);
    if (file < 0 || fstat(file, &status)) fail(words[1]);
    struct listing listing = {file, S_ISREG(status.st_mode),
                              mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
    int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register range = {{(uintptr_t)listing.memory, PAGE}, UFFDIO_REGISTER_MODE_MISSING, 0};
    if (faults < 0 || ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &range)) fail("userfaultfd");

    pthread_t thread;
    struct uffd_msg message;
    if (pthread_create(&thread, NULL, list, &listing)) fail("pthread_create");
    if (read(faults, &message, sizeof message) != sizeof message) fail("no fault");
    puts("stuck");
    fflush(stdout);
    while (getchar() != EOF) continue;

    struct uffdio_zeropage zero = {{(uintptr_t)listing.memory, PAGE}, 0, 0};
    if (ioctl(faults, UFFDIO_ZEROPAGE, &zero)) fail("UFFDIO_ZEROPAGE");
    pthread_join(thread, NULL);
    puts("free");
    return 0;
}
