// attack: unshare(2) with every namespace flag (CVE-2022-0185, CVE-2024-1086: kernel bugs within reach of a namespace)
// profile: default build
// expect: refused
//
// Not named as unshare(1) is: `userns` runs that beside it, and who has this attack's name must be gone after it.
#include "attack.h"

#define CLONE_NEWTIME_ 0x80

int main(void)
{
    REFUSED("unshare NEWUSER", unshare(CLONE_NEWUSER), EPERM, ENOSYS, ENOSPC);
    REFUSED("unshare NEWNS", unshare(CLONE_NEWNS), EPERM, ENOSYS);
    REFUSED("unshare NEWPID", unshare(CLONE_NEWPID), EPERM, ENOSYS);
    REFUSED("unshare NEWNET", unshare(CLONE_NEWNET), EPERM, ENOSYS);
    REFUSED("unshare NEWIPC", unshare(CLONE_NEWIPC), EPERM, ENOSYS);
    REFUSED("unshare NEWUTS", unshare(CLONE_NEWUTS), EPERM, ENOSYS);
    REFUSED("unshare NEWCGROUP", unshare(CLONE_NEWCGROUP), EPERM, ENOSYS);
    REFUSED("unshare NEWTIME", unshare(CLONE_NEWTIME_), EPERM, ENOSYS);
    // User namespace first in one call: the kernel makes it before the rest and would own the rest by it.
    REFUSED("unshare NEWUSER|NEWNS|NEWNET", unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET), EPERM, ENOSYS, ENOSPC);
    return verdict();
}
