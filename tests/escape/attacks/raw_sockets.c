// attack: raw, packet and rare protocols over INET and INET6 (raw(7), CVE-2017-6074 DCCP, CVE-2023-0461 ULP)
// profile: default build
// expect: refused
//
// The rare protocols load a kernel module on demand: where none is built in, the kernel itself says EPROTONOSUPPORT;
// the filters say so of all protocols but a few, whatever the type.
#include "attack.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int main(void)
{
    static const int FAMILIES[] = {AF_INET, AF_INET6};
    static const struct {
        const char *name;
        int type, protocol;
    } RARE[] = {
        {"SCTP", SOCK_STREAM, 132},
        {"SCTP", SOCK_SEQPACKET, 132},
        {"DCCP", 6, 33},
        {"L2TP", SOCK_DGRAM, 115},
        {"SMC", SOCK_STREAM, 256},
    };
    for (int i = 0; i < 2; i++) {
        int family = FAMILIES[i];
        for (int protocol = 1; protocol < 256; protocol += protocol < 64 ? 1 : 37)
            REFUSED(
                text("raw family %d protocol %d", family, protocol), socket(family, SOCK_RAW, protocol), EPERM, EACCES,
                EPROTONOSUPPORT);
        REFUSED(text("raw family %d RAW", family), socket(family, SOCK_RAW, IPPROTO_RAW), EPERM, EACCES,
            EPROTONOSUPPORT);
        REFUSED(text("packet type family %d", family), socket(family, SOCK_PACKET, 3), EPERM, EACCES, ESOCKTNOSUPPORT,
            EPROTONOSUPPORT, EINVAL);
        for (size_t r = 0; r < sizeof RARE / sizeof *RARE; r++)
            REFUSED(text("%s family %d", RARE[r].name, family), socket(family, RARE[r].type, RARE[r].protocol), EPERM,
                EACCES, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT);
        // The kernel, which would look for a module (net-pf-2-proto-0-type-6), says ESOCKTNOSUPPORT.
        for (int type = SOCK_SEQPACKET; type < SOCK_PACKET; type++)
            REFUSED(text("family %d type %d by its type alone", family, type), socket(family, type, 0),
                EPROTONOSUPPORT);
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0) broken("no TCP socket");
    REFUSED("SO_BINDTODEVICE elsewhere", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5), EPERM, ENODEV);
    REFUSED("SO_MARK", setsockopt(fd, SOL_SOCKET, SO_MARK, &one, sizeof one), EPERM);
    REFUSED("SO_SNDBUFFORCE", setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &one, sizeof one), EPERM);
    REFUSED("SO_DEBUG", setsockopt(fd, SOL_SOCKET, SO_DEBUG, &one, sizeof one), EPERM, EACCES);
    REFUSED("IP_TRANSPARENT", setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof one), EPERM);
    REFUSED("netfilter table",
        setsockopt(fd, IPPROTO_IP, 64 /* IPT_SO_SET_REPLACE, CVE-2021-22555 */, &one, sizeof one), EPERM, ENOPROTOOPT);
    REFUSED("netfilter table read",
        getsockopt(fd, IPPROTO_IP, 64 /* IPT_SO_GET_INFO */, &one, &(socklen_t){sizeof one}), EPERM, ENOPROTOOPT);
    return verdict();
}
