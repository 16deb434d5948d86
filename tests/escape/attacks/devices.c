// attack: finding a device in /dev that is not meant for it, or a changed one (CVE-2025-31133: /dev/null replaced)
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/sysmacros.h>
#include <sys/time.h>

int main(void)
{
    static const struct {
        const char *name;
        mode_t type;
        unsigned major, minor;
    } EXPECTED[] = {
        {"null", S_IFCHR, 1, 3},
        {"zero", S_IFCHR, 1, 5},
        {"full", S_IFCHR, 1, 7},
        {"random", S_IFCHR, 1, 8},
        {"urandom", S_IFCHR, 1, 9},
        {"tty", S_IFCHR, 5, 0},
        {"pts", S_IFDIR, 0, 0},
        {"shm", S_IFDIR, 0, 0},
        {"mqueue", S_IFDIR, 0, 0},
        {"ptmx", S_IFLNK, 0, 0},
        {"fd", S_IFLNK, 0, 0},
        {"stdin", S_IFLNK, 0, 0},
        {"stdout", S_IFLNK, 0, 0},
        {"stderr", S_IFLNK, 0, 0},
    };
    DIR *folder = opendir("/dev");
    if (!folder) broken("no /dev");
    int known = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        const char *path = text("/dev/%s", entry->d_name);
        struct stat info;
        if (lstat(path, &info) < 0) broken("cannot stat %s", path);
        size_t i = 0;
        while (i < sizeof EXPECTED / sizeof *EXPECTED && strcmp(EXPECTED[i].name, entry->d_name) != 0) i++;
        HOLDS(text("%s is expected", path), i < sizeof EXPECTED / sizeof *EXPECTED);
        if (i == sizeof EXPECTED / sizeof *EXPECTED) continue;
        known++;
        HOLDS(text("%s is what it says", path), (info.st_mode & S_IFMT) == EXPECTED[i].type);
        if (!S_ISCHR(info.st_mode)) continue;
        HOLDS(text("%s has number %u:%u", path, major(info.st_rdev), minor(info.st_rdev)),
            info.st_rdev == makedev(EXPECTED[i].major, EXPECTED[i].minor));
        // The node is the host's own: not even its times may change.
        REFUSED(text("chmod %s", path), chmod(path, 0600), READ_ONLY);
        REFUSED(text("touch %s", path), utimes(path, NULL), READ_ONLY);
        REFUSED(text("unlink %s", path), unlink(path), READ_ONLY, EBUSY);
        REFUSED(text("rename %s", path), rename(path, "/dev/gone"), READ_ONLY, EBUSY);
        REFUSED(text("symlink over %s", path), symlink("/proc/sys/kernel/core_pattern", path), READ_ONLY, EEXIST);
    }
    closedir(folder);
    HOLDS("the usual ones are there", known >= 8);
    static const char *const OTHERS[] = {"mem", "kmem", "port", "kvm", "fuse", "loop-control", "loop0", "vda", "sda",
        "nvme0", "mapper/control", "net/tun", "vsock", "vhost-vsock", "uinput", "input/event0", "snd/seq", "dri/card0",
        "nvidia0", "bus/usb/001/001", "cpu/0/msr", "hpet", "watchdog", "autofs", "btrfs-control", "hugepages",
        "dma_heap/system", "udmabuf", "console", "hwrng"};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        REFUSED(text("/dev/%s exists", OTHERS[i]), access(text("/dev/%s", OTHERS[i]), F_OK), HIDDEN);
    return verdict();
}
