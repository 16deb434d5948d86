// attack: the kernel's log by syslog(2) and by its files: addresses, other tenants' crashes (syslog(2))
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/klog.h>

int main(void)
{
    char buffer[256];
    // Where dmesg_restrict is 0 only the filter stands between a job and the log.
    REFUSED("syslog read all", klogctl(3, buffer, sizeof buffer), EPERM, ENOSYS);
    REFUSED("syslog read clear", klogctl(4, buffer, sizeof buffer), EPERM, ENOSYS);
    REFUSED("syslog size", klogctl(10, NULL, 0), EPERM, ENOSYS);
    REFUSED("syslog console off", klogctl(6, NULL, 0), EPERM, ENOSYS);
    REFUSED("/dev/kmsg", try_open("/dev/kmsg", O_RDONLY), HIDDEN);
    REFUSED("/dev/kmsg for writing", try_open("/dev/kmsg", O_WRONLY), HIDDEN);
    REFUSED("/proc/kmsg", try_read("/proc/kmsg"), HIDDEN, EAGAIN);
    REFUSED("/dev/log", try_open("/dev/log", O_PATH), HIDDEN);
    REFUSED("/var/log", try_open("/var/log", O_RDONLY), HIDDEN);
    return verdict();
}
