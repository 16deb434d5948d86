// attack: a fork bomb whose every process forks for ever, detaches and ignores signals (fork(2))
// limits: pids=64 wall_time_ms=3000 cpu_time_ms=60000
// args: stay leave
// gone: fork-bomb
// alone: it uses up processes and CPU time
// expect: status timed_out or refused
//
// `stay` lasts until the wall limit: timed_out. `leave` ends its first process at once, so the job has to end then:
// refused.
#include "attack.h"
#include <sys/prctl.h>

int main(int argc, char **argv)
{
    int leave = argc > 1 && strcmp(argv[1], "leave") == 0;
    if (leave) {
        if (fork() != 0) {
            usleep(300000);
            tries++;
            return verdict();
        }
    } else {
        printf("forking\n");
    }
    fflush(stdout);
    prctl(PR_SET_NAME, "fork-bomb");
    for (int number = 1; number <= 64; number++) signal(number, SIG_IGN);
    for (;;)
        if (fork() == 0) setsid();
}
