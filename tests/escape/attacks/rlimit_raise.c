// attack: raising the resource limits it was given, or finding one that was not given (setrlimit(2))
// limits: open_files=256 file_bytes=1048576
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/resource.h>

int main(void)
{
    static const struct {
        const char *name;
        int which;
        int finite;
    } LIMITS[] = {
        {"NOFILE", RLIMIT_NOFILE, 1},
        {"FSIZE", RLIMIT_FSIZE, 1},
        {"CORE", RLIMIT_CORE, 1},
        {"STACK", RLIMIT_STACK, 0},
        {"MEMLOCK", RLIMIT_MEMLOCK, 1},
        {"NICE", RLIMIT_NICE, 1},
        {"RTPRIO", RLIMIT_RTPRIO, 1},
        {"MSGQUEUE", RLIMIT_MSGQUEUE, 1},
        {"SIGPENDING", RLIMIT_SIGPENDING, 1},
        {"AS", RLIMIT_AS, 0},
        {"CPU", RLIMIT_CPU, 0},
        {"NPROC", RLIMIT_NPROC, 0},
        {"DATA", RLIMIT_DATA, 0},
        {"LOCKS", RLIMIT_LOCKS, 0},
        {"RSS", RLIMIT_RSS, 0},
        {"RTTIME", RLIMIT_RTTIME, 0},
    };
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        struct rlimit now, more;
        getrlimit(LIMITS[i].which, &now);
        if (LIMITS[i].finite) HOLDS(text("%s has a hard limit", LIMITS[i].name), now.rlim_max != RLIM_INFINITY);
        if (now.rlim_max == RLIM_INFINITY) continue;
        more = (struct rlimit){now.rlim_cur, now.rlim_max + 1};
        REFUSED(text("%s %lu and one", LIMITS[i].name, (unsigned long)now.rlim_max), setrlimit(LIMITS[i].which, &more),
            EPERM);
        more.rlim_max = RLIM_INFINITY;
        REFUSED(text("%s unlimited", LIMITS[i].name), syscall(SYS_prlimit64, 0, LIMITS[i].which, &more, NULL), EPERM);
    }
    struct rlimit now;
    getrlimit(RLIMIT_NOFILE, &now);
    HOLDS("open_files is what was asked", now.rlim_max == 256);
    getrlimit(RLIMIT_FSIZE, &now);
    HOLDS("file_bytes is what was asked", now.rlim_max == 1048576);
    getrlimit(RLIMIT_NICE, &now);
    HOLDS("NICE and RTPRIO are 0", now.rlim_max == 0 && getrlimit(RLIMIT_RTPRIO, &now) == 0 && now.rlim_max == 0);
    return verdict();
}
