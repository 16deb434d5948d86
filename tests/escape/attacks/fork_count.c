// attack: more processes and threads than it was given (fork(2), pids cgroup)
// limits: pids=32 wall_time_ms=20000
// cflags: -pthread
// alone: it uses up processes
// expect: refused
#include "attack.h"
#include <pthread.h>

static void *waits(void *unused)
{
    for (;;) pause();
    return unused;
}

int main(void)
{
    pid_t children[256];
    int count = 0;
    while (count < 256) {
        pid_t child = fork();
        if (child == 0)
            for (;;) pause();
        if (child < 0) break;
        children[count++] = child;
    }
    int error = errno;
    HOLDS(text("%d children and itself are at most 32", count), count + 1 <= 32);
    HOLDS("and not far fewer", count + 1 >= 24);
    errno = error;
    REFUSED("one more fork", count < 256 ? -1 : 0, EAGAIN);
    pthread_t thread;
    errno = pthread_create(&thread, NULL, waits, NULL);
    REFUSED("a thread instead", errno ? -1 : 0, EAGAIN);
    REFUSED("a clone instead", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EAGAIN);
    for (int i = 0; i < count; i++) kill(children[i], SIGKILL);
    while (wait(NULL) > 0) {}
    pid_t child = fork();
    if (child == 0) _exit(0);
    HOLDS("when they are gone there is room again", child > 0);
    return verdict();
}
