// attack: writing anywhere but /workspace, /tmp and /dev/shm, by every call (mount(2), landlock(7))
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/time.h>
#include <sys/xattr.h>

int main(void)
{
    static const char *const FOLDERS[] = {
        "/", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/share", "/bin", "/lib", "/etc", "/proc", "/dev",
        "/sys", "/sys/devices/system/cpu", "/sys/devices/system/cpu/cpu0", "/sys/fs/cgroup"};
    static const char *const FILES[] = {
        "/usr/bin/env", "/bin/sh", "/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/etc/ld.so.cache",
        // What the job is told about the machine: the files are its own, the mounts are not.
        "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/loadavg", "/sys/devices/system/cpu/online",
        "/sys/devices/system/cpu/present", "/sys/devices/system/cpu/possible"};
    own_file("mine", "x", 0644);
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        const char *folder = FOLDERS[i], *inside = text("%s/stockade-x", folder);
        if (access(folder, F_OK) < 0) broken("no %s", folder);
        REFUSED(text("create %s", inside), try_open(inside, O_WRONLY | O_CREAT), NO_WRITE);
        REFUSED(text("mkdir %s", inside), mkdir(inside, 0755), NO_WRITE);
        REFUSED(text("symlink %s", inside), symlink("/workspace", inside), NO_WRITE);
        REFUSED(text("fifo %s", inside), mknod(inside, S_IFIFO | 0644, 0), NO_WRITE);
        REFUSED(text("link %s", inside), link("mine", inside), NO_WRITE, EXDEV);
        REFUSED(text("rename to %s", inside), rename("mine", inside), NO_WRITE, EXDEV);
        REFUSED(
            text("unnamed file in %s", folder), try_open(folder, O_WRONLY | O_TMPFILE), NO_WRITE, EOPNOTSUPP, EISDIR);
        REFUSED(text("chmod %s", folder), chmod(folder, 0777), NO_WRITE);
        REFUSED(text("chown %s", folder), chown(folder, getuid(), getgid()), NO_WRITE, EINVAL);
        REFUSED(text("touch %s", folder), utimes(folder, NULL), NO_WRITE);
    }
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        const char *file = FILES[i];
        REFUSED(text("open %s for writing", file), try_open(file, O_WRONLY), NO_WRITE);
        REFUSED(text("open %s for appending", file), try_open(file, O_RDWR | O_APPEND), NO_WRITE);
        REFUSED(text("truncate %s", file), truncate(file, 0), NO_WRITE);
        REFUSED(text("open %s truncating, read-only", file), try_open(file, O_RDONLY | O_TRUNC), NO_WRITE);
        REFUSED(text("unlink %s", file), unlink(file), NO_WRITE, EBUSY);
        REFUSED(text("chmod %s", file), chmod(file, 0777), NO_WRITE);
        REFUSED(text("touch %s", file), utimes(file, NULL), NO_WRITE);
        REFUSED(text("rename %s", file), rename(file, text("%s.old", file)), NO_WRITE, EBUSY, EXDEV);
        REFUSED(text("rename over %s", file), rename("mine", file), NO_WRITE, EBUSY, EXDEV);
        REFUSED(text("user attribute on %s", file), setxattr(file, "user.x", "x", 1, 0), NO_WRITE, EOPNOTSUPP);
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        struct stat info;
        if (fd >= 0 && fstat(fd, &info) == 0) {
            // A lease would stall whoever opens the file next. A file made for this job may be its own.
            if (info.st_uid != getuid())
                REFUSED(text("lease on %s", file), fcntl(fd, F_SETLEASE, F_RDLCK), EACCES, EPERM, EINVAL);
            REFUSED(text("chmod %s by descriptor", file), fchmod(fd, 0777), NO_WRITE);
            close(fd);
        }
    }
    return verdict();
}
