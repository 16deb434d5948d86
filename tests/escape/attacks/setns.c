// attack: setns(2) into the namespaces of itself, of init and of a pidfd (setns(2), CVE-2016-9962)
// profile: default build
// expect: refused
#include "attack.h"

static const char *const KINDS[] = {"user", "mnt", "pid", "pid_for_children", "net", "ipc", "uts", "cgroup", "time"};

int main(void)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        int fd = open(text("/proc/self/ns/%s", KINDS[i]), O_RDONLY | O_CLOEXEC);
        if (fd < 0) broken("own namespace %s cannot be opened", KINDS[i]);
        REFUSED(text("setns own %s", KINDS[i]), setns(fd, 0), EPERM, ENOSYS);
        close(fd);
        // Init is not dumpable: its namespaces cannot even be opened, and a stricter /proc does not show it at all.
        const char *of_init = text("/proc/1/ns/%s", KINDS[i]);
        REFUSED(text("open %s", of_init), try_open(of_init, O_RDONLY), HIDDEN);
    }
    int pidfd = syscall(SYS_pidfd_open, 1, 0);
    if (pidfd >= 0) {
        REFUSED("setns pidfd of init, NEWNS", setns(pidfd, CLONE_NEWNS), EPERM, ENOSYS);
        REFUSED("setns pidfd of init, NEWUSER|NEWNS|NEWPID", setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID),
            EPERM, ENOSYS);
    } else {
        REFUSED("pidfd_open init", pidfd, EPERM, ENOSYS);
    }
    return verdict();
}
