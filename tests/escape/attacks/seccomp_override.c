// attack: a second seccomp filter that says yes to what the first refuses (seccomp(2))
// expect: refused
#include "attack.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>

static void try_with(const char *name, unsigned action, unsigned flags)
{
    pid_t child = fork();
    if (child == 0) {
        struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, action)};
        struct sock_fprog program = {1, code};
        alarm(5);
        // Refused as a whole is as good: ENOSYS where the profile has no seccomp(2).
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0)
            _exit(errno == EPERM || errno == ENOSYS ? 10 : 11);
        int result = mount("none", "/tmp", "tmpfs", 0, NULL);
        _exit(result == 0 ? 1 : errno == EPERM || errno == ENOSYS ? 0 : 12);
    }
    int status;
    waitpid(child, &status, 0);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    printf("%s: exit %d\n", name, code);
    HOLDS(text("mount is refused under %s", name), code == 0 || code == 10);
}

int main(void)
{
    try_with("ALLOW", SECCOMP_RET_ALLOW, 0);
    try_with("LOG", SECCOMP_RET_LOG, SECCOMP_FILTER_FLAG_LOG);
    HOLDS("mode off is refused", prctl(PR_SET_SECCOMP, 0, 0, 0, 0) < 0);
    return verdict();
}
