// attack: reading the host's interfaces, sockets and routes in /proc/net (network_namespaces(7))
// expect: refused
//
// A missing table counts as hidden. The job itself has opened no socket, so every table must be empty.
#include "attack.h"

int main(void)
{
    static const struct {
        const char *name;
        int headings;
    } TABLES[] = {
        {"tcp", 1},
        {"tcp6", 1},
        {"udp", 1},
        {"udp6", 1},
        {"raw", 1},
        {"raw6", 1},
        {"unix", 1},
        {"packet", 1},
        {"arp", 1},
        {"route", 1},
        {"vlan/config", 2},
        {"ip_conntrack", 0},
        {"nf_conntrack", 0},
        {"netfilter/nfnetlink_queue", 0},
        {"xfrm_stat", 99},
    };
    static char content[1 << 16];
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        if (!slurp(text("/proc/net/%s", TABLES[i].name), content, sizeof content)) {
            REFUSED(text("open /proc/net/%s", TABLES[i].name), -1, HIDDEN, EINVAL);
            continue;
        }
        int lines = 0;
        for (char *at = content; *at; at++) lines += *at == '\n';
        HOLDS(text("/proc/net/%s has no entry", TABLES[i].name), lines <= TABLES[i].headings);
    }
    if (slurp("/proc/net/dev", content, sizeof content)) {
        int line = 0;
        for (char *next = strtok(content, "\n"); next; next = strtok(NULL, "\n"), line++) {
            char name[64];
            if (line >= 2 && sscanf(next, " %63[^:]:", name) == 1)
                HOLDS(text("interface %s is lo", name), strcmp(name, "lo") == 0);
        }
        HOLDS("the interface table was read", line >= 2);
    } else {
        REFUSED("open /proc/net/dev", -1, HIDDEN, EINVAL);
    }
    return verdict();
}
