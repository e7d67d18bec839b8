/* Socket and epoll calls that Glibc's Swift module lacks. No logic. */
#pragma once
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* accept4(2) is declared only with _GNU_SOURCE, which a header that Swift sees must not define. */
extern int accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags);
static inline int cs_accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags)
{
    return accept4(fd, addr, addr_len, flags);
}
