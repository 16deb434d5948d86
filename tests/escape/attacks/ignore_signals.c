// attack: ignoring, blocking and handling every signal that would end it at the wall limit (signal(7))
// limits: wall_time_ms=1500
// args: ignore block handle
// gone: deaf
// expect: status timed_out
#include "attack.h"
#include <sys/prctl.h>

static void nothing(int number)
{
    (void)number;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "ignore";
    sigset_t all;
    sigfillset(&all);
    prctl(PR_SET_NAME, "deaf");
    for (int number = 1; number <= 64; number++) signal(number, strcmp(how, "handle") == 0 ? nothing : SIG_IGN);
    if (strcmp(how, "block") == 0) sigprocmask(SIG_BLOCK, &all, NULL);
    printf("deaf to signals\n");
    for (;;) pause();
}
