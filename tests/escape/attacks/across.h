// What across_leave leaves behind and across_find looks for: the same names in two jobs.
#pragma once
#include "attack.h"
#include <mqueue.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ACROSS_KEY 0x570cade
#define ACROSS_NAME "/stockade-across"
#define ACROSS_PORT 29170

static inline int across_unix(int (*use)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0stockade-across"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return use(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 16) < 0 ? -1 : fd;
}

static inline int across_tcp(int (*use)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(ACROSS_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return use(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}
