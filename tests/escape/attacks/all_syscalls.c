// attack: every syscall number from 0 to 600: a new or forgotten one must not slip through (CVE-2021-41133)
// profile: default build strict
// limits: wall_time_ms=60000 cpu_time_ms=60000
// expect: golden
//
// Prints `NUMBER NAME RESULT` for each, RESULT being `ok`, an errno, the signal that ended the call's process, or
// `skipped`. Every argument is -1: no valid pointer, descriptor, id, size or command, so nothing that is let through
// does anything.
#include "attack.h"
#include "syscall_names.h"
#include <sys/mman.h>
#include <sys/time.h>

// These end or suspend the caller whatever the arguments, or return into a stack that is not there. The two of uprobes
// (335, 336) the kernel keeps from every filter since 6.14, to refuse them itself.
static int is_skipped(long number)
{
    static const long NUMBERS[] = {
        SYS_rt_sigreturn, SYS_pause, SYS_vfork, SYS_exit, SYS_restart_syscall, SYS_exit_group, 335, 336};
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++)
        if (NUMBERS[i] == number) return 1;
    return 0;
}

int main(void)
{
    volatile int *result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (result == MAP_FAILED) broken("mmap");
    // One stream: nothing of it may be in a buffer when a process is copied.
    setvbuf(stdout, NULL, _IONBF, 0);
    for (long number = 0; number <= 600; number++) {
        const char *name = SYSCALL_NAMES[number] ? SYSCALL_NAMES[number] : "-", *outcome = "ended";
        int status = 0;
        *result = -1;
        if (is_skipped(number)) {
            printf("%ld %s skipped\n", number, name);
            continue;
        }
        pid_t child = fork();
        if (child < 0) broken("fork: %s", strerror(errno));
        if (child == 0) {
            pid_t own = getpid();
            setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {1, 0}}, NULL);
            errno = 0;
            long returned = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
            int error = errno;
            if (syscall(SYS_getpid) == own) *result = returned == -1 ? error : 0;
            _exit(0);
        }
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status))
            outcome = text("SIG%s", sigabbrev_np(WTERMSIG(status)));
        else if (*result == 0)
            outcome = "ok";
        else if (*result > 0)
            outcome = strerrorname_np(*result) ? strerrorname_np(*result) : text("errno%d", *result);
        printf("%ld %s %s\n", number, name, outcome);
    }
    return 0;
}
