/* Calls for a service of systemd's and for copying files of the host, which Swift's Glibc module hides. No logic. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include "process_shims.h"

/* Sends a datagram to a unix socket whose name is `path`, of which a first `@` stands for NUL; `fd` goes with it unless
 * it is negative. */
static inline ssize_t cs_send_datagram(int sock, const char *path, const void *bytes, size_t count, int fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) return -1;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = 0;
    struct iovec piece = { (void *)bytes, count };
    struct msghdr message = { 0 };
    message.msg_name = &address;
    message.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    return cs_send_with_descriptor(sock, &message, fd);
}

static inline ssize_t cs_list_attributes(int fd, char *names, size_t size) { return flistxattr(fd, names, size); }
static inline ssize_t cs_get_attribute(int fd, const char *name, void *value, size_t size)
{
    return fgetxattr(fd, name, value, size);
}
