// attack: finding itself in a namespace of the host (namespaces(7); nsjail #219 for the cgroup one)
// env: HOST_NAMESPACES
// expect: refused
//
// HOST_NAMESPACES holds the harness' own links of /proc/self/ns, joined by commas: `user:[4026531837],mnt:[…],…`.
#include "attack.h"

int main(void)
{
    static const char *const KINDS[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"};
    const char *host = given("HOST_NAMESPACES");
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        char link[64] = "";
        // Not every kernel has this one, and then the host has it neither.
        if (strcmp(KINDS[i], "time") == 0 && access("/proc/self/ns/time", F_OK) < 0) continue;
        if (readlink(text("/proc/self/ns/%s", KINDS[i]), link, sizeof link - 1) < 0) broken("no link for %s", KINDS[i]);
        if (!strstr(host, text("%s:[", KINDS[i]))) broken("HOST_NAMESPACES lacks %s", KINDS[i]);
        HOLDS(text("%s is not the host's", link), !strstr(host, link));
    }

    // Rooted at its own cgroup: at most the step's own leaf shows, never a path of the host or a way above.
    char cgroups[8192];
    if (!slurp("/proc/self/cgroup", cgroups, sizeof cgroups)) broken("cannot read /proc/self/cgroup");
    for (char *line = strtok(cgroups, "\n"); line; line = strtok(NULL, "\n")) {
        char *path = strchr(strchr(line, ':') + 1, ':') + 1;
        HOLDS(text("cgroup line %s shows no path of the host", line),
            path[0] == '/' && strncmp(path, "/..", 3) != 0 && strchr(path + 1, '/') == NULL);
    }
    return verdict();
}
