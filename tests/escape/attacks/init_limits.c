// attack: lowering init's own limits, which asks only for the same user id: a CPU limit kills a PID 1 too (prlimit(2))
// limits: wall_time_ms=20000 cpu_time_ms=20000
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/resource.h>

int main(void)
{
    static const struct {
        const char *name;
        int which;
        rlim_t value;
    } LIMITS[] = {
        {"CPU", RLIMIT_CPU, 1},
        {"NOFILE", RLIMIT_NOFILE, 0},
        {"FSIZE", RLIMIT_FSIZE, 0},
        {"AS", RLIMIT_AS, 0},
        {"DATA", RLIMIT_DATA, 0},
        {"STACK", RLIMIT_STACK, 0},
        {"NPROC", RLIMIT_NPROC, 0},
        {"CORE", RLIMIT_CORE, 0},
    };
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        struct rlimit64 limit = {LIMITS[i].value, LIMITS[i].value};
        REFUSED(text("prlimit init %s", LIMITS[i].name), syscall(SYS_prlimit64, 1, LIMITS[i].which, &limit, NULL),
            EPERM, EACCES, ESRCH);
    }
    return verdict();
}
