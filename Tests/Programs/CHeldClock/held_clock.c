// Holds the clocks of another program, for comparisons that must not depend on when a second begins. All clocks stand still
// at the moment of the program's start plus the seconds in a file that the test writes. Waiting for events takes at most a
// few milliseconds, so that the program soon sees a jump.
#define _GNU_SOURCE
#include "held_clock.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int wait_milliseconds_max = 3;
static volatile int64_t *jumped;
static struct timespec start[16];

__attribute__((constructor)) static void hold(void) {
    const char *path = getenv(HELD_CLOCK_FILE);
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    for (int clock = 0; clock < 16; clock++) syscall(SYS_clock_gettime, clock, &start[clock]);
    void *place = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED) jumped = place;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!jumped || clock < 0 || clock >= 16) return (int)syscall(SYS_clock_gettime, clock, now);
    *now = start[clock];
    now->tv_sec += *jumped;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec moment;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &moment);
    now->tv_sec = moment.tv_sec;
    now->tv_usec = moment.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *place) {
    struct timespec moment;
    clock_gettime(CLOCK_REALTIME, &moment);
    if (place) *place = moment.tv_sec;
    return moment.tv_sec;
}

int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout) {
    if (jumped && (timeout < 0 || timeout > wait_milliseconds_max)) timeout = wait_milliseconds_max;
    return (int)syscall(SYS_epoll_wait, epoll, events, count, timeout);
}
