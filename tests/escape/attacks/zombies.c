// attack: a thousand zombies and a thousand orphans at the end: init must reap them all (wait(2))
// limits: pids=1200 wall_time_ms=20000 cpu_time_ms=20000
// expect: refused
#include "attack.h"

int main(void)
{
    int made = 0;
    for (int i = 0; i < 1000; i++) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        if (child < 0) broken("fork %d: %s", i, strerror(errno));
        made++;
    }
    HOLDS("a thousand zombies wait for nobody", made == 1000);
    // Orphans: one process at a time leaves a child behind; init gets it and has to make room for the next.
    while (made-- > 0) wait(NULL);
    for (int i = 0; i < 1000; i++) {
        pid_t child = fork();
        if (child == 0) _exit(fork() < 0);
        int status;
        waitpid(child, &status, 0);
        for (int tried = 0; status != 0 && tried < 100; tried++) {
            usleep(1000);
            child = fork();
            if (child == 0) _exit(fork() < 0);
            waitpid(child, &status, 0);
        }
        if (status != 0) broken("orphan %d: init does not reap", i);
    }
    // And a thousand that nobody has waited for when the program ends.
    for (int i = 0; i < 1000; i++)
        if (fork() == 0) _exit(0);
    return verdict();
}
