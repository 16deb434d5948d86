// attack: killing, stopping and poking init with every signal, by every call that sends one (kill(2), fcntl(2))
// limits: wall_time_ms=10000
// profile: default build
// expect: refused
//
// Some calls report success for a signal that the kernel then drops (pid_namespaces(7)), so what counts is that init
// is well afterwards: it still reaps, the program still runs, and the job still ends by itself.
#include "attack.h"

static int reaps(void)
{
    // A grandchild whose parent is gone belongs to init; its entry disappears only when init has waited for it.
    int ends[2];
    pid_t orphan = 0;
    if (pipe(ends) < 0) broken("pipe");
    pid_t parent = fork();
    if (parent == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            usleep(20000);
            _exit(0);
        }
        if (write(ends[1], &grandchild, sizeof grandchild) < 0) _exit(1);
        _exit(0);
    }
    if (read(ends[0], &orphan, sizeof orphan) != sizeof orphan) broken("no orphan");
    waitpid(parent, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    for (int waited = 0; waited < 200; waited++, usleep(10000))
        if (access(text("/proc/%d", orphan), F_OK) < 0) return 1;
    return 0;
}

int main(void)
{
    HOLDS("init reaps before", reaps());
    int pidfd = syscall(SYS_pidfd_open, 1, 0);
    int ends[2];
    if (pipe(ends) < 0) broken("pipe");
    for (int number = 1; number <= 64; number++) {
        siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
        errno = 0;
        int by_kill = kill(1, number), kill_errno = errno;
        syscall(SYS_tkill, 1, number);
        syscall(SYS_tgkill, 1, 1, number);
        syscall(SYS_rt_sigqueueinfo, 1, number, &info);
        syscall(SYS_rt_tgsigqueueinfo, 1, 1, number, &info);
        if (pidfd >= 0) syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
        // The kernel sends this one itself, when the pipe turns readable.
        if (fcntl(ends[0], F_SETOWN, 1) == 0 && fcntl(ends[0], F_SETSIG, number) == 0) {
            char byte = 'x';
            fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
            if (write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) != 1) broken("pipe");
        }
        printf("signal %d: kill says %s\n", number, by_kill == 0 ? "sent" : strerrorname_np(kill_errno));
    }
    HOLDS("the parent is still init", getppid() == 1);
    HOLDS("init reaps after", reaps());
    return verdict();
}
