// attack: staying after the job: double fork, own session, stdout held open, every signal ignored (daemon(7))
// limits: wall_time_ms=10000
// gone: left-behind
// expect: refused
//
// The job must end when the program does, not at its wall limit, and with it whatever is called left-behind on the
// host.
#include "attack.h"
#include <sys/prctl.h>

int main(void)
{
    int ready[2];
    if (pipe(ready) < 0) broken("pipe");
    for (int i = 0; i < 8; i++) {
        pid_t child = fork();
        if (child == 0) {
            setsid();
            if (fork() != 0) _exit(0);
            if (i % 2) setpgid(0, 0);
            if (chdir("/") < 0) _exit(1);
            prctl(PR_SET_NAME, "left-behind");
            prctl(PR_SET_DUMPABLE, 0);
            prctl(PR_SET_PDEATHSIG, 0);
            prctl(PR_SET_CHILD_SUBREAPER, 1);
            for (int number = 1; number <= 64; number++) signal(number, SIG_IGN);
            if (write(ready[1], "x", 1) != 1) _exit(1);
            for (;;) pause();
        }
        waitpid(child, NULL, 0);
    }
    close(ready[1]);
    char byte;
    int count = 0;
    while (count < 8 && read(ready[0], &byte, 1) == 1) count++;
    HOLDS("eight processes stay behind", count == 8);
    return verdict();
}
