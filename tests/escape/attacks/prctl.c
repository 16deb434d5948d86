// attack: taking back what was given up: no_new_privs, securebits, seccomp, the memory map (prctl(2))
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/seccomp.h>
#include <sys/prctl.h>

int main(void)
{
    REFUSED("no_new_privs off", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL, EPERM);
    REFUSED("securebits 0", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0), EPERM);
    REFUSED("keep capabilities", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), EPERM);
    REFUSED("drop from the bounding set", prctl(PR_CAPBSET_DROP, 0, 0, 0, 0), EPERM);
    REFUSED("dumpable 2", prctl(PR_SET_DUMPABLE, 2, 0, 0, 0), EINVAL, EPERM);
    REFUSED("seccomp off", prctl(PR_SET_SECCOMP, SECCOMP_MODE_DISABLED, 0, 0, 0), EINVAL, EPERM);
    // Either needs CAP_SYS_RESOURCE: with it, /proc/self/exe and the argument area can be faked.
    int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);
    if (fd < 0) broken("no /bin/sh");
    REFUSED("mm exe_file", prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0), EPERM, EACCES);
    REFUSED("mm arg_start", prctl(PR_SET_MM, PR_SET_MM_ARG_START, (unsigned long)&fd, 0, 0), EPERM);
    REFUSED("io flusher", prctl(57 /* PR_SET_IO_FLUSHER */, 1, 0, 0, 0), EPERM);
    REFUSED("machine-check kill of others", prctl(PR_MCE_KILL, 99, 0, 0, 0), EINVAL);
    HOLDS("no_new_privs is still on", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    HOLDS("seccomp is still on", prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER);
    return verdict();
}
