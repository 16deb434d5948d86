// attack: perf_event_open(2): counters of itself, of a CPU, of the kernel (CVE-2013-2094, CVE-2023-5717)
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/perf_event.h>

static long start(unsigned type, uint64_t config, int pid, int cpu, int user_only)
{
    struct perf_event_attr event = {
        .type = type, .size = sizeof event, .config = config, .exclude_kernel = user_only, .exclude_hv = user_only};
    return syscall(SYS_perf_event_open, &event, pid, cpu, -1, 0);
}

int main(void)
{
    // The first is what even perf_event_paranoid=2 allows everyone: only the filter refuses it.
    REFUSED("own software clock", start(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 0, -1, 1), EPERM, EACCES, ENOSYS);
    REFUSED("own cycles", start(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, -1, 1), EPERM, EACCES, ENOSYS);
    REFUSED("kernel of CPU 0", start(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, -1, 0, 0), EPERM, EACCES, ENOSYS);
    REFUSED("tracepoint", start(PERF_TYPE_TRACEPOINT, 1, 0, -1, 0), EPERM, EACCES, ENOSYS);
    REFUSED("breakpoint", start(PERF_TYPE_BREAKPOINT, 0, 0, -1, 1), EPERM, EACCES, ENOSYS);
    return verdict();
}
