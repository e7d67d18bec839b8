/* Socket and epoll calls that Glibc's Swift module lacks. No logic. */
#pragma once
#include <stdint.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

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

static inline ssize_t cs_send(int fd, const void *bytes, size_t count)
{
    return send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static inline ssize_t cs_receive(int fd, void *bytes, size_t count)
{
    return recv(fd, bytes, count, MSG_DONTWAIT);
}

/* The place of `byte` in `count` bytes from `bytes` on, or -1. */
static inline ssize_t cs_find(const void *bytes, int byte, size_t count)
{
    const char *hit = count ? (const char *)memchr(bytes, byte, count) : 0;
    return hit ? hit - (const char *)bytes : -1;
}

/* pthread_setname_np(3) is declared only with _GNU_SOURCE. Names have at most 15 bytes. */
extern int pthread_setname_np(pthread_t thread, const char *name);
static inline int cs_set_thread_name(pthread_t thread, const char *name) { return pthread_setname_np(thread, name); }
