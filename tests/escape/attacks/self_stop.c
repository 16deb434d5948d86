// attack: stopping instead of ending, so that nobody ever waits for it successfully (kill(2))
// limits: wall_time_ms=1500
// args: stop group leader-gone
// cflags: -pthread
// gone: stopped
// expect: status timed_out
#include "attack.h"
#include <pthread.h>
#include <sys/prctl.h>

static void *waits(void *unused)
{
    for (;;) pause();
    return unused;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "stop";
    prctl(PR_SET_NAME, "stopped");
    printf("stopping\n");
    if (strcmp(how, "group") == 0) kill(0, SIGSTOP);
    // The main thread ends, the process does not: its entry shows as a zombie for ever.
    if (strcmp(how, "leader-gone") == 0 && fork() != 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, waits, NULL) != 0) broken("no thread");
        pthread_exit(NULL);
    }
    for (;;) raise(SIGSTOP);
}
