// attack: changing interfaces, routes and bridges by ioctl, and making tunnels (netdevice(7))
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/sockios.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) broken("no UDP socket");
    struct ifreq lo = {.ifr_name = "lo"};
    if (ioctl(fd, SIOCGIFFLAGS, &lo) < 0) broken("no lo");
    HOLDS("lo is up", lo.ifr_flags & IFF_UP);
    lo.ifr_flags = 0;
    REFUSED("lo down", ioctl(fd, SIOCSIFFLAGS, &lo), EPERM);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
    memcpy(&lo.ifr_addr, &address, sizeof address);
    REFUSED("lo another address", ioctl(fd, SIOCSIFADDR, &lo), EPERM);
    lo.ifr_mtu = 1280;
    REFUSED("lo mtu", ioctl(fd, SIOCSIFMTU, &lo), EPERM);
    struct rtentry route = {.rt_flags = RTF_UP};
    memcpy(&route.rt_dst, &address, sizeof address);
    REFUSED("add a route", ioctl(fd, SIOCADDRT, &route), EPERM);
    REFUSED("add a bridge", ioctl(fd, SIOCBRADDBR, "br0"), EPERM, ENOPKG, EINVAL);
    REFUSED("rename lo", ioctl(fd, SIOCSIFNAME, &lo), EPERM);
    REFUSED("/dev/net/tun", try_open("/dev/net/tun", O_RDWR), HIDDEN);
    REFUSED("/dev/vhost-net", try_open("/dev/vhost-net", O_RDWR), HIDDEN);
    // One interface and no more.
    struct if_nameindex *list = if_nameindex();
    if (list)
        HOLDS("lo is the only interface", list[0].if_index && !list[1].if_index && strcmp(list[0].if_name, "lo") == 0);
    struct ifreq second = {.ifr_ifindex = 2};
    REFUSED("there is no interface 2", ioctl(fd, SIOCGIFNAME, &second), ENODEV, EPERM);
    return verdict();
}
