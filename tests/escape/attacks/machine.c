// attack: calls that steer the whole machine: names, swap, accounting, quotas, ports, watches (swapon(2), iopl(2))
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/fanotify.h>
#include <sys/io.h>
#include <sys/quota.h>
#include <sys/swap.h>

int main(void)
{
    int node = 0, status;
    void *page = &node;
    uint64_t mask = 1;
    own_file("swap", "x", 0600);
    REFUSED("sethostname", sethostname("stockade", 8), EPERM, ENOSYS);
    REFUSED("setdomainname", setdomainname("stockade", 8), EPERM, ENOSYS);
    REFUSED("swapon", swapon("swap", 0), EPERM, ENOSYS);
    REFUSED("swapoff", swapoff("swap"), EPERM, ENOSYS);
    REFUSED("acct on", acct("swap"), EPERM, ENOSYS);
    REFUSED("acct off", acct(NULL), EPERM, ENOSYS);
    REFUSED("quotactl on", quotactl(QCMD(Q_QUOTAON, USRQUOTA), "/dev/vda", 2, "swap"), EPERM, ENOSYS);
    REFUSED("quotactl sync, which asks for nothing", quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL), EPERM, ENOSYS);
    REFUSED("quotactl_fd", syscall(443, 0, QCMD(Q_GETFMT, USRQUOTA), 0, &mask), EPERM, ENOSYS);
    REFUSED("iopl", iopl(3), EPERM, ENOSYS);
    REFUSED("ioperm", ioperm(0x80, 1, 1), EPERM, ENOSYS);
    REFUSED("vhangup", vhangup(), EPERM, ENOSYS);
    REFUSED("lookup_dcookie", syscall(SYS_lookup_dcookie, 1UL, &mask, sizeof mask), EPERM, ENOSYS);
    REFUSED("nfsservctl", syscall(SYS_nfsservctl, 0, NULL, NULL), EPERM, ENOSYS);
    REFUSED("fanotify_init", fanotify_init(FAN_CLASS_CONTENT, O_RDONLY), EPERM, ENOSYS);
    REFUSED("fanotify_init as anyone may", fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY), EPERM, ENOSYS);
    REFUSED("move_pages", syscall(SYS_move_pages, 0, 1UL, &page, &node, &status, 0), EPERM, ENOSYS);
    REFUSED("migrate_pages", syscall(SYS_migrate_pages, 0, 2UL, &mask, &mask), EPERM, ENOSYS);
    REFUSED("kcmp of itself", syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 1), EPERM, ENOSYS);
    REFUSED("memfd_secret", syscall(SYS_memfd_secret, 0), EPERM, ENOSYS);
    REFUSED("lsm_set_self_attr", syscall(460, 100, &mask, 8, 0), EPERM, ENOSYS);
    REFUSED("uselib", syscall(SYS_uselib, "/lib/x86_64-linux-gnu/libc.so.6"), EPERM, ENOSYS);
    REFUSED("sysfs", syscall(SYS_sysfs, 3), EPERM, ENOSYS);
    REFUSED("_sysctl", syscall(SYS__sysctl, NULL), EPERM, ENOSYS);
    return verdict();
}
