// attack: netlink beyond ROUTE, and changing lo through ROUTE (CVE-2026-43284 xfrm, CVE-2024-1086 netfilter)
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

// The errno in the kernel's acknowledgement, as a call would give it.
static int request(int fd, int type, int flags, const void *body, size_t length)
{
    struct {
        struct nlmsghdr head;
        char body[128];
    } message = {.head = {NLMSG_LENGTH(length), type, NLM_F_REQUEST | NLM_F_ACK | flags, 1, 0}};
    char answer[4096];
    memcpy(message.body, body, length);
    if (send(fd, &message, message.head.nlmsg_len, 0) < 0) return -1;
    if (recv(fd, answer, sizeof answer, 0) < 0) return -1;
    const struct nlmsghdr *head = (const void *)answer;
    if (head->nlmsg_type != NLMSG_ERROR) broken("no acknowledgement");
    errno = -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
    return errno ? -1 : 0;
}

int main(void)
{
    for (int protocol = 1; protocol <= 23; protocol++) {
        REFUSED(text("netlink %d", protocol), socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), EPERM, EACCES,
            EAFNOSUPPORT, EPROTONOSUPPORT);
        REFUSED(text("netlink dgram %d", protocol), socket(AF_NETLINK, SOCK_DGRAM, protocol), EPERM, EACCES,
            EAFNOSUPPORT, EPROTONOSUPPORT);
    }
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        REFUSED("netlink route", fd, EPERM, EACCES, EAFNOSUPPORT);
        return verdict();
    }
    struct ifinfomsg lo_down = {.ifi_index = 1, .ifi_change = IFF_UP};
    struct rtmsg route = {
        .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST};
    struct ifaddrmsg address = {.ifa_family = AF_INET, .ifa_prefixlen = 8, .ifa_index = 1};
    struct ndmsg neighbour = {.ndm_family = AF_INET, .ndm_ifindex = 1};
    REFUSED("lo down", request(fd, RTM_NEWLINK, 0, &lo_down, sizeof lo_down), EPERM);
    REFUSED("new link", request(fd, RTM_NEWLINK, NLM_F_CREATE, &(struct ifinfomsg){0}, sizeof lo_down), EPERM);
    REFUSED("new route", request(fd, RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof route), EPERM);
    REFUSED("new address", request(fd, RTM_NEWADDR, NLM_F_CREATE, &address, sizeof address), EPERM);
    REFUSED("new neighbour", request(fd, RTM_NEWNEIGH, NLM_F_CREATE, &neighbour, sizeof neighbour), EPERM);
    REFUSED(
        "new namespace id", request(fd, RTM_NEWNSID, 0, &(struct rtgenmsg){0}, sizeof(struct rtgenmsg)), EPERM, EINVAL);
    REFUSED("new qdisc",
        request(fd, RTM_NEWQDISC, NLM_F_CREATE, &(struct tcmsg){.tcm_ifindex = 1}, sizeof(struct tcmsg)), EPERM);
    return verdict();
}
