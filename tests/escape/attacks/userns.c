// attack: a nested user namespace by all ways: syscalls and the tools of /usr/bin (user_namespaces(7))
// profile: default build
// expect: refused
#include "attack.h"

// True when the tool managed to run `true` in a namespace of its own.
static int tool(char *const argv[])
{
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
    char value[32] = "";
    const char *sysctl = "/proc/sys/user/max_user_namespaces";
    if (slurp(sysctl, value, sizeof value))
        HOLDS("max_user_namespaces is 0", atoi(value) == 0);
    else
        REFUSED(text("open %s", sysctl), -1, HIDDEN);
    REFUSED("raise max_user_namespaces", try_write(sysctl, "100"), NO_WRITE);

    uint64_t args[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    REFUSED("unshare", unshare(CLONE_NEWUSER), EPERM, ENOSYS, ENOSPC);
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    REFUSED("clone", pid, EPERM, ENOSYS, ENOSPC);
    pid = syscall(SYS_clone3, args, sizeof args);
    if (pid == 0) _exit(0);
    REFUSED("clone3", pid, EPERM, ENOSYS, ENOSPC);

    HOLDS("unshare -Ur true fails", !tool((char *[]){"unshare", "-Ur", "true", NULL}));
    HOLDS("unshare -U true fails", !tool((char *[]){"unshare", "-U", "true", NULL}));
    HOLDS("bwrap fails", !tool((char *[]){"bwrap", "--unshare-user", "--ro-bind", "/", "/", "true", NULL}));
    return verdict();
}
