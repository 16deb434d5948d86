// attack: every address family of socket(2): each is a driver of its own (CVE-2026-43500 "Dirty Frag")
// profile: default build
// expect: refused
//
// UNIX, INET, INET6 and NETLINK are left out: netlink.c and raw_sockets.c try those. A type or protocol error would
// mean that the family was reached, so it is no refusal.
#include "attack.h"
#include <sys/socket.h>

int main(void)
{
    static const int TYPES[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM | SOCK_CLOEXEC};
    static const struct {
        int family;
        const char *name;
    } NAMED[] = {{15, "KEY"}, {17, "PACKET"}, {21, "RDS"}, {29, "CAN"}, {30, "TIPC"}, {31, "BLUETOOTH"}, {33, "RXRPC"},
        {38, "ALG"}, {39, "NFC"}, {40, "VSOCK"}, {41, "KCM"}, {43, "SMC"}, {44, "XDP"}, {45, "MCTP"}};
    for (int family = 0; family <= 64; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
        const char *name = "";
        for (size_t i = 0; i < sizeof NAMED / sizeof *NAMED; i++)
            if (NAMED[i].family == family) name = NAMED[i].name;
        for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
            REFUSED(text("socket %d %s type %#x", family, name, TYPES[i]), socket(family, TYPES[i], 0), EPERM, EACCES,
                EAFNOSUPPORT);
        int pair[2];
        REFUSED(text("socketpair %d %s", family, name), socketpair(family, SOCK_STREAM, 0, pair), EPERM, EACCES,
            EAFNOSUPPORT);
    }
    // The kernel takes 32 bits of each argument; a filter that compares 64 would be passed by the first of these.
    REFUSED("socket ALG with high bits", syscall(SYS_socket, 38 | 1UL << 32, SOCK_SEQPACKET, 0), EPERM, EACCES,
        EAFNOSUPPORT);
    REFUSED("socket VSOCK with high bits", syscall(SYS_socket, 40 | 1UL << 32, SOCK_STREAM, 0), EPERM, EACCES,
        EAFNOSUPPORT);
    int plain = socket(AF_UNIX, SOCK_STREAM, 0);
    HOLDS("a UNIX socket works, so the tries above meant something", plain >= 0);
    return verdict();
}
