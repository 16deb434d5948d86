// attack: real-time scheduling, negative nice, real-time IO: starving the host's other processes (sched(7))
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/resource.h>

int main(void)
{
    struct sched_param one = {.sched_priority = 1};
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } deadline = {48, 6 /* SCHED_DEADLINE */, 0, 0, 0, 10000000, 20000000, 20000000};
    REFUSED("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &one), EPERM, ENOSYS);
    REFUSED("SCHED_RR", sched_setscheduler(0, SCHED_RR, &one), EPERM, ENOSYS);
    REFUSED("SCHED_DEADLINE", syscall(SYS_sched_setattr, 0, &deadline, 0), EPERM, ENOSYS);
    REFUSED("nice -20", setpriority(PRIO_PROCESS, 0, -20), EACCES, EPERM);
    REFUSED("nice -1 for the user", setpriority(PRIO_USER, 0, -1), EACCES, EPERM);
    REFUSED("real-time IO", syscall(SYS_ioprio_set, 1, 0, 1 << 13), EPERM, ENOSYS);
    return verdict();
}
