// attack: every call that reads or steers another process, aimed at init (ptrace(2), pidfd_getfd(2))
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

int main(void)
{
    char byte = 0;
    struct iovec mine = {&byte, 1}, theirs = {(void *)0x400000, 1};
    void *head, *page = &byte;
    size_t length;
    int status, node = 0;
    uint64_t mask = 1;

    REFUSED("ptrace attach", ptrace(PTRACE_ATTACH, 1, NULL, NULL), EPERM, ENOSYS);
    REFUSED("ptrace seize", ptrace(PTRACE_SEIZE, 1, NULL, NULL), EPERM, ENOSYS);
    REFUSED("process_vm_readv", process_vm_readv(1, &mine, 1, &theirs, 1, 0), EPERM, ENOSYS);
    REFUSED("process_vm_writev", process_vm_writev(1, &mine, 1, &theirs, 1, 0), EPERM, ENOSYS);
    REFUSED("kcmp file", syscall(SYS_kcmp, getpid(), 1, KCMP_FILE, 0, 0), EPERM, ENOSYS);
    REFUSED("get_robust_list", syscall(SYS_get_robust_list, 1, &head, &length), EPERM, ENOSYS);
    REFUSED("move_pages", syscall(SYS_move_pages, 1, 1UL, &page, &node, &status, 0), EPERM, ENOSYS);
    REFUSED("migrate_pages", syscall(SYS_migrate_pages, 1, 2UL, &mask, &mask), EPERM, ENOSYS);
    struct perf_event_attr counter = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof counter, .config = PERF_COUNT_SW_CPU_CLOCK, .exclude_kernel = 1};
    REFUSED("perf_event_open", syscall(SYS_perf_event_open, &counter, 1, -1, -1, 0), EPERM, EACCES, ENOSYS);

    int pidfd = syscall(SYS_pidfd_open, 1, 0);
    if (pidfd < 0) {
        REFUSED("pidfd_open", pidfd, EPERM, ENOSYS);
        return verdict();
    }
    for (int fd = 0; fd < 16; fd++)
        REFUSED(text("pidfd_getfd %d", fd), syscall(SYS_pidfd_getfd, pidfd, fd, 0), EPERM, ENOSYS);
    REFUSED("process_madvise", syscall(SYS_process_madvise, pidfd, &theirs, 1UL, 20 /* COLD */, 0), EPERM, ENOSYS);
    REFUSED("process_mrelease", syscall(SYS_process_mrelease, pidfd, 0), EPERM, ENOSYS, EINVAL);
    return verdict();
}
