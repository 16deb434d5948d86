// attack: mounting a cgroup file system, writing release_agent or own limits (CVE-2022-0492, CVE-2023-25809)
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/mount.h>

int main(void)
{
    mkdir("cg", 0755);
    REFUSED("mount cgroup2", mount("none", "cg", "cgroup2", 0, NULL), EPERM, ENOSYS);
    REFUSED("mount cgroup rdma", mount("none", "cg", "cgroup", 0, "rdma"), EPERM, ENOSYS);
    REFUSED("mount cgroup memory", mount("none", "cg", "cgroup", 0, "memory"), EPERM, ENOSYS);
    REFUSED("mount cgroup none,name=x", mount("none", "cg", "cgroup", 0, "none,name=x"), EPERM, ENOSYS);

    // What is there of /sys is read-only and the job's own (own_cgroup.c).
    REFUSED("open /sys", try_open("/sys/kernel", O_RDONLY), HIDDEN);
    REFUSED("mkdir in cgroup2", mkdir("/sys/fs/cgroup/mine", 0755), NO_WRITE);
    REFUSED("cgroup.procs", try_write("/sys/fs/cgroup/cgroup.procs", "0"), NO_WRITE);
    REFUSED("memory.max", try_write("/sys/fs/cgroup/memory.max", "max"), NO_WRITE);
    REFUSED("v1 memory limit", try_write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1"), NO_WRITE);
    REFUSED("v1 tasks of the root", try_write("/sys/fs/cgroup/memory/tasks", "0"), NO_WRITE);
    REFUSED("release_agent", try_write("/sys/fs/cgroup/rdma/release_agent", "/workspace/x"), NO_WRITE);
    REFUSED("notify_on_release", try_write("/sys/fs/cgroup/rdma/notify_on_release", "1"), NO_WRITE);
    REFUSED("/sys/kernel/uevent_helper", try_write("/sys/kernel/uevent_helper", "/workspace/x"), NO_WRITE);
    REFUSED("/sys/kernel/security", try_open("/sys/kernel/security/lsm", O_RDONLY), HIDDEN);
    return verdict();
}
