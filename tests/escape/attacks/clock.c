// attack: setting the host's clock (settimeofday(2), clock_settime(2), adjtimex(2))
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

int main(void)
{
    struct timespec now;
    struct timeval tv;
    clock_gettime(CLOCK_REALTIME, &now);
    gettimeofday(&tv, NULL);
    REFUSED("settimeofday", syscall(SYS_settimeofday, &tv, NULL), EPERM, ENOSYS);
    REFUSED("settimeofday zone", syscall(SYS_settimeofday, NULL, &(struct timezone){0}), EPERM, ENOSYS);
    REFUSED("clock_settime", clock_settime(CLOCK_REALTIME, &now), EPERM, ENOSYS);
    REFUSED("adjtimex", adjtimex(&(struct timex){.modes = ADJ_TICK, .tick = 10000}), EPERM, ENOSYS);
    REFUSED("clock_adjtime", clock_adjtime(CLOCK_REALTIME, &(struct timex){.modes = ADJ_TICK, .tick = 10000}), EPERM,
        ENOSYS);
    REFUSED("wake alarm timer", timer_create(CLOCK_REALTIME_ALARM, NULL, &(timer_t){0}), EPERM, EOPNOTSUPP, EINVAL);
    REFUSED("/dev/rtc0", try_open("/dev/rtc0", O_RDONLY), HIDDEN);
    REFUSED("/dev/ptp0", try_open("/dev/ptp0", O_RDONLY), HIDDEN);
    return verdict();
}
