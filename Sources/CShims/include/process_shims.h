/* Process, descriptor-passing and mount calls that Swift's Glibc module hides
 * or cannot spell. No logic. */
#pragma once
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline pid_t cs_fork(void) { return fork(); }

/* Declared by <grp.h> for other feature macros than Swift's. */
extern int setgroups(size_t count, const gid_t *groups);
static inline int cs_setgroups(size_t count, const gid_t *groups) { return setgroups(count, groups); }

static inline int cs_prctl(int option, unsigned long value) { return prctl(option, value, 0, 0, 0); }
/* CPUs that the process may run on; 0 = unknown. */
static inline int cs_allowed_cpus(void)
{
    unsigned long sets[128];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof sets, sets);
    int count = 0;
    for (long i = 0; i < bytes / (long)sizeof *sets; i++) count += __builtin_popcountl(sets[i]);
    return count;
}
static inline int cs_pidfd_open(pid_t pid) { return (int)syscall(434, pid, 0); }
static inline int cs_pidfd_send_signal(int pidfd, int number) { return (int)syscall(424, pidfd, number, 0, 0); }

static inline int cs_close_range(unsigned first, unsigned last) { return (int)syscall(436, first, last, 0); }

static inline int cs_wait_exited(int status) { return WIFEXITED(status); }
static inline int cs_wait_exit_status(int status) { return WEXITSTATUS(status); }
static inline int cs_wait_signal(int status) { return WTERMSIG(status); }

/* Sends a message and, when `fd` is not negative, a descriptor with it. */
static inline ssize_t cs_send_with_descriptor(int sock, struct msghdr *message, int fd)
{
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        message->msg_control = control.space;
        message->msg_controllen = sizeof control.space;
        struct cmsghdr *header = CMSG_FIRSTHDR(message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(int));
    }
    return sendmsg(sock, message, MSG_NOSIGNAL);
}

/* Sends one byte and, when `fd` is not negative, a descriptor with it. */
static inline ssize_t cs_send_byte(int sock, uint8_t byte, int fd)
{
    struct iovec piece = { &byte, 1 };
    struct msghdr message = { 0 };
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    return cs_send_with_descriptor(sock, &message, fd);
}

/* Receives one byte, and a descriptor into `fd` (-1 when none came). 0 = the other end is closed. */
static inline ssize_t cs_receive_byte(int sock, uint8_t *byte, int *fd)
{
    struct iovec piece = { byte, 1 };
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    struct msghdr message = { 0 };
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    *fd = -1;
    ssize_t count = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    if (count <= 0) return count;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(header), sizeof(int));
    return count;
}
