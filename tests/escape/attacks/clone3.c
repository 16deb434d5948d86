// attack: clone3(2): its flags are in memory, where seccomp cannot see them (CVE-2021-41133)
// profile: default build
// expect: refused
#include "attack.h"

#define CLONE_INTO_CGROUP_ 0x200000000ULL

static long make(uint64_t flags, uint64_t cgroup)
{
    uint64_t args[11] = {flags, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, cgroup};
    long pid = syscall(SYS_clone3, args, sizeof args);
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid(pid, NULL, 0);
    return pid;
}

int main(void)
{
    REFUSED("clone3 NEWUSER", make(CLONE_NEWUSER, 0), ENOSYS, EPERM, ENOSPC);
    REFUSED("clone3 NEWNS", make(CLONE_NEWNS, 0), ENOSYS, EPERM);
    REFUSED("clone3 NEWPID", make(CLONE_NEWPID, 0), ENOSYS, EPERM);
    REFUSED("clone3 NEWNET", make(CLONE_NEWNET, 0), ENOSYS, EPERM);
    REFUSED("clone3 NEWIPC", make(CLONE_NEWIPC, 0), ENOSYS, EPERM);
    REFUSED("clone3 NEWUTS", make(CLONE_NEWUTS, 0), ENOSYS, EPERM);
    REFUSED("clone3 NEWCGROUP", make(CLONE_NEWCGROUP, 0), ENOSYS, EPERM);
    REFUSED("clone3 NEWTIME", make(0x80, 0), ENOSYS, EPERM);
    REFUSED("clone3 NEWUSER|NEWNS|NEWNET", make(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET, 0), ENOSYS, EPERM, ENOSPC);
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    REFUSED("clone3 INTO_CGROUP", make(CLONE_INTO_CGROUP_, root), ENOSYS, EPERM, EBADF);
    return verdict();
}
