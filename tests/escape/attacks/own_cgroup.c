// attack: changing, through /sys/fs/cgroup, the groups that hold it, or finding another job's (CVE-2022-0492, CVE-2023-25809)
// profile: default build
// expect: refused
//
// What is there is the job's own groups, to be read. On v1 the job's user owns `tasks` of its steps' groups, so nothing
// but the read-only mount keeps it from moving out of a step's limits.
#include "attack.h"
#include <ftw.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

static int files, folders;

static int is_step(const char *name)
{
    return strncmp(name, "step-", 5) == 0 || strcmp(name, "init") == 0;
}

// A hierarchy, on v2 the way down to the job's group, or a group of the job's own.
static int is_known(const char *path, const char *name, int level)
{
    static const char *const HIERARCHIES[] = {"memory", "cpu", "cpuacct", "cpu,cpuacct", "cpuset", "jobs"};
    if (level <= 0 || is_step(name)) return 1;
    if (level == 1)
        for (size_t i = 0; i < sizeof HIERARCHIES / sizeof *HIERARCHIES; i++)
            if (strcmp(name, HIERARCHIES[i]) == 0) return 1;
    // One job's, and its name stands in /proc/self/cgroup.
    char own[8192];
    const char *below = path + strlen("/sys/fs/cgroup");
    return level == 2 && slurp("/proc/self/cgroup", own, sizeof own) && strstr(own, text("::%s/", below));
}

static int try_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    struct statvfs mounted;
    // The folders that lead there are the root's, which has programs.
    unsigned long rights = kind == FTW_F ? ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC : ST_RDONLY | ST_NOSUID;
    if (statvfs(path, &mounted) != 0) broken("cannot ask about %s: %s", path, strerror(errno));
    HOLDS(text("%s is on a mount without rights", path), (mounted.f_flag & rights) == rights);
    if (kind == FTW_D || kind == FTW_DNR) {
        folders++;
        HOLDS(text("%s is the job's own", path), is_known(path, path + walk->base, walk->level));
        REFUSED(text("a group in %s", path), mkdir(text("%s/mine", path), 0755), EROFS, EACCES);
        REFUSED(text("chmod of %s", path), chmod(path, 0777), EROFS);
    } else if (kind == FTW_F) {
        files++;
        HOLDS(text("%s steers no hierarchy", path), strcmp(path + walk->base, "release_agent") != 0);
        REFUSED(text("write to %s", path), try_write(path, "0"), EROFS, EACCES);
        REFUSED(text("open of %s to read and write", path), try_open(path, O_RDWR), EROFS, EACCES);
        REFUSED(text("truncation of %s", path), truncate(path, 0), EROFS, EACCES);
        REFUSED(text("chmod of %s", path), chmod(path, 0666), EROFS);
        REFUSED(text("chown of %s", path), chown(path, getuid(), getgid()), EROFS);
        REFUSED(text("attribute on %s", path), setxattr(path, "user.x", "x", 1, 0), EROFS, EOPNOTSUPP, EPERM);
        int fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0) broken("cannot name %s: %s", path, strerror(errno));
        REFUSED(text("write to %s by descriptor", path), try_write(text("/proc/self/fd/%d", fd), "0"), EROFS, EACCES);
        close(fd);
    }
    return 0;
}

int main(void)
{
    const char *place = "/sys/fs/cgroup";
    // Also over what follows a writable remount, should one work.
    REFUSED("remount writable", mount(NULL, place, NULL, MS_REMOUNT | MS_BIND, NULL), EPERM, ENOSYS);
    REFUSED("remount memory writable", mount(NULL, "/sys/fs/cgroup/memory", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM,
        ENOSYS, ENOENT);
    REFUSED("umount of it", umount2("/sys/fs/cgroup/memory", MNT_DETACH), EPERM, ENOSYS, ENOENT);
    if (nftw(place, try_one, 16, FTW_PHYS) != 0) broken("cannot walk %s: %s", place, strerror(errno));
    if (folders > 1 && files == 0) broken("groups without files");
    REFUSED("out of the group", try_open("/sys/fs/cgroup/memory/../../../../sys/kernel", O_RDONLY), HIDDEN);
    REFUSED("the rest of /sys", try_open("/sys/kernel/uevent_helper", O_RDONLY), HIDDEN);
    REFUSED("the host's devices", try_open("/sys/block", O_RDONLY), HIDDEN);
    return verdict();
}
