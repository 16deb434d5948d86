// attack: becoming another user: setuid, setgid, setgroups, fsuid and their kin (setuid(2), credentials(7))
// profile: default build
// expect: refused
//
// EINVAL is what an id outside the map answers.
#include "attack.h"
#include <grp.h>
#include <sys/fsuid.h>

int main(void)
{
    static const unsigned IDS[] = {0, 1, 100, 999, 1001, 65534, 100000};
    uid_t uid = getuid();
    for (size_t i = 0; i < sizeof IDS / sizeof *IDS; i++) {
        unsigned id = IDS[i];
        REFUSED(text("setuid %u", id), setuid(id), EPERM, EINVAL);
        REFUSED(text("setgid %u", id), setgid(id), EPERM, EINVAL);
        REFUSED(text("seteuid %u", id), seteuid(id), EPERM, EINVAL);
        REFUSED(text("setegid %u", id), setegid(id), EPERM, EINVAL);
        REFUSED(text("setreuid %u", id), setreuid(id, id), EPERM, EINVAL);
        REFUSED(text("setregid %u", id), setregid(id, id), EPERM, EINVAL);
        REFUSED(text("setresuid %u", id), setresuid(id, id, id), EPERM, EINVAL);
        REFUSED(text("setresgid %u", id), setresgid(id, id, id), EPERM, EINVAL);
        REFUSED(text("setgroups %u", id), setgroups(1, (gid_t[]){id}), EPERM, EINVAL);
        // These report the old id, changed or not.
        setfsuid(id);
        setfsgid(id);
        HOLDS(text("fsuid is not %u", id), (uid_t)setfsuid(-1) == uid);
        HOLDS(text("fsgid is not %u", id), (gid_t)setfsgid(-1) == getgid());
    }
    REFUSED("setgroups none", setgroups(0, NULL), EPERM);
    gid_t groups[64];
    int count = getgroups(64, groups);
    // With a single-id map the kernel does not let a launcher drop them; the receipt has to say so.
    for (int i = 0; i < count; i++) printf("note: supplementary group %u\n", groups[i]);
    return verdict();
}
