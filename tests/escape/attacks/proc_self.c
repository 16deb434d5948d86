// attack: its own /proc/self files that hold privilege: id maps, OOM score, labels (user_namespaces(7), proc(5))
// expect: refused
//
// attr/* answers EINVAL where no security module is loaded, loginuid where the id is not mapped: nothing changes
// then.
#include "attack.h"

int main(void)
{
    static const char *const LABELS[] = {
        "current", "exec", "fscreate", "keycreate", "sockcreate", "apparmor/exec", "smack/current"};
    REFUSED("uid_map", try_write("/proc/self/uid_map", "0 0 1\n"), EPERM, EACCES);
    REFUSED("gid_map", try_write("/proc/self/gid_map", "0 0 1\n"), EPERM, EACCES);
    REFUSED("projid_map", try_write("/proc/self/projid_map", "0 0 1\n"), EPERM, EACCES);
    REFUSED("setgroups allow", try_write("/proc/self/setgroups", "allow"), EPERM, EACCES);
    REFUSED("oom_score_adj -1", try_write("/proc/self/oom_score_adj", "-1"), EACCES, EPERM);
    REFUSED("oom_score_adj -1000", try_write("/proc/self/oom_score_adj", "-1000"), EACCES, EPERM);
    REFUSED("loginuid", try_write("/proc/self/loginuid", "0"), NO_WRITE, EINVAL);
    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++)
        REFUSED(text("attr/%s", LABELS[i]), try_write(text("/proc/self/attr/%s", LABELS[i]), "unconfined"), NO_WRITE,
            EINVAL);

    // The whole range at once is the host's own map.
    char map[512];
    if (!slurp("/proc/self/uid_map", map, sizeof map)) broken("cannot read uid_map");
    unsigned long inside, outside, count;
    int lines = 0;
    for (char *line = strtok(map, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        if (sscanf(line, "%lu %lu %lu", &inside, &outside, &count) != 3) broken("odd map: %s", line);
        HOLDS(text("map %lu %lu %lu is a part of the ids", inside, outside, count), count < 4294967295UL);
    }
    HOLDS("there is a map", lines > 0);
    return verdict();
}
