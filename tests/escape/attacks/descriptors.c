// attack: using a descriptor that was left open for it (CVE-2024-21626 "Leaky Vessels", CVE-2016-9962)
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/sysmacros.h>

int main(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat info;
        char link[256] = "";
        if (fstat(fd, &info) < 0) broken("descriptor %d is closed", fd);
        if (readlink(text("/proc/self/fd/%d", fd), link, sizeof link - 1) < 0) broken("no link for %d", fd);
        // /dev/null may serve as the stdin of a job without one.
        if (fd == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3)) continue;
        HOLDS(text("descriptor %d (%s) is a pipe", fd, link), S_ISFIFO(info.st_mode));
        int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
        HOLDS(text("descriptor %d goes one way only", fd), mode == (fd == 0 ? O_RDONLY : O_WRONLY));
    }
    for (int fd = 3; fd < 65536; fd++)
        if (fcntl(fd, F_GETFD) >= 0) HOLDS(text("descriptor %d is not open", fd), 0);

    // The same by listing: the listing itself is the one more.
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) broken("no /proc/self/fd");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder);
    HOLDS("exactly three are listed", count == 3);
    return verdict();
}
