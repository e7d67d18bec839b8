/* Socket and epoll calls that Glibc's Swift module lacks. No logic. */
#pragma once
#include <errno.h>
#include <stdint.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* accept4(2) is declared only with _GNU_SOURCE, which a header that Swift sees must not define. */
extern int accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags);
static inline int cs_accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags)
{
    return accept4(fd, addr, addr_len, flags);
}

/* sendmsg(2) of `count` pieces that never raises SIGPIPE and never waits. */
static inline ssize_t cs_send_pieces(int fd, struct iovec *pieces, size_t count, int more)
{
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = pieces;
    message.msg_iovlen = count;
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
}

/* Calls on sockets and files, which glibc brackets with two atomic operations as places where a thread may be cancelled. Ours
 * never are, so on x86-64 the kernel is called without. */
#if defined(__x86_64__) && defined(__linux__)
static inline ssize_t cs_call6(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = 0;
    register long r9 __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    if (result >= 0) return result;
    errno = (int)-result;
    return -1;
}
#define CS_SOCKET_CALL(number, name, fd, bytes, count, flags) cs_call6(number, fd, (long)(bytes), (long)(count), flags)
#define CS_FILE_CALL(number, name, fd, bytes, count) cs_call6(number, fd, (long)(bytes), (long)(count), 0)
#else
#define CS_SOCKET_CALL(number, name, fd, bytes, count, flags) name(fd, bytes, count, flags)
#define CS_FILE_CALL(number, name, fd, bytes, count) name(fd, bytes, count)
#endif

static inline ssize_t cs_send(int fd, const void *bytes, size_t count)
{
    return CS_SOCKET_CALL(SYS_sendto, send, fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static inline ssize_t cs_receive(int fd, void *bytes, size_t count)
{
    return CS_SOCKET_CALL(SYS_recvfrom, recv, fd, bytes, count, MSG_DONTWAIT);
}

static inline ssize_t cs_read(int fd, void *bytes, size_t count)
{
    return CS_FILE_CALL(SYS_read, read, fd, bytes, count);
}

static inline ssize_t cs_write(int fd, const void *bytes, size_t count)
{
    return CS_FILE_CALL(SYS_write, write, fd, bytes, count);
}

static inline ssize_t cs_writev(int fd, const struct iovec *pieces, int count)
{
    return CS_FILE_CALL(SYS_writev, writev, fd, pieces, count);
}

/* pthread_setname_np(3) is declared only with _GNU_SOURCE. Names have at most 15 bytes. */
extern int pthread_setname_np(pthread_t thread, const char *name);
static inline int cs_set_thread_name(pthread_t thread, const char *name) { return pthread_setname_np(thread, name); }
