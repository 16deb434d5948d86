// attack: what only landlock refuses: whiteouts and signals out of its domain (landlock(7))
// profile: default build
// expect: refused
//
// Everything else landlock refuses a mount refuses too, so this is the test that it is on. The kernel's ABI decides
// how much of it there is; a kernel without landlock is a skip.
#include "attack.h"

int main(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0UL, 1 /* VERSION */);
    if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) skipped("no landlock");
    printf("landlock ABI %ld\n", abi);
    REFUSED("whiteout", mknod("whiteout", S_IFCHR | 0666, 0), EACCES);
    if (abi >= 6) {
        REFUSED("signal 0 to init", kill(1, 0), EPERM);
        REFUSED("SIGKILL to init", kill(1, SIGKILL), EPERM);
        REFUSED("SIGSTOP to init by a pidfd",
            syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, 1, 0), SIGSTOP, NULL, 0), EPERM, EBADF);
    }
    return verdict();
}
