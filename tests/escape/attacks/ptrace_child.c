// attack: tracing its own child, whose registers a tracer could change after the filter has looked (ptrace(2))
// expect: refused
//
// Only the `build` profile has ptrace, for debuggers.
#include "attack.h"
#include <sys/ptrace.h>
#include <sys/uio.h>

int main(void)
{
    int ends[2];
    static int shared = 7;
    if (pipe(ends) < 0) broken("pipe");
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(ends[1]);
        if (read(ends[0], &byte, 1) < 0) _exit(2);
        _exit(0);
    }
    int copy = 0;
    struct iovec mine = {&copy, sizeof copy}, theirs = {&shared, sizeof shared};
    REFUSED("ptrace traceme", ptrace(PTRACE_TRACEME, 0, NULL, NULL), EPERM, ENOSYS);
    REFUSED("ptrace attach child", ptrace(PTRACE_ATTACH, child, NULL, NULL), EPERM, ENOSYS);
    REFUSED("ptrace seize child", ptrace(PTRACE_SEIZE, child, NULL, NULL), EPERM, ENOSYS);
    REFUSED("process_vm_readv child", process_vm_readv(child, &mine, 1, &theirs, 1, 0), EPERM, ENOSYS);
    REFUSED("process_vm_writev child", process_vm_writev(child, &mine, 1, &theirs, 1, 0), EPERM, ENOSYS);
    int pidfd = syscall(SYS_pidfd_open, child, 0);
    if (pidfd >= 0) REFUSED("pidfd_getfd child", syscall(SYS_pidfd_getfd, pidfd, 0, 0), EPERM, ENOSYS);
    close(ends[1]);
    int status;
    waitpid(child, &status, 0);
    HOLDS("the child ended untouched", WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return verdict();
}
