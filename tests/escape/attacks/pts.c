// attack: terminals of others in /dev/pts, and a ptmx that belongs to the host (CVE-2025-52565)
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/vfs.h>

#define DEVPTS_MAGIC 0x1cd1

int main(void)
{
    DIR *folder = opendir("/dev/pts");
    if (!folder) broken("no /dev/pts");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            HOLDS(text("/dev/pts/%s is no terminal of another", entry->d_name), strcmp(entry->d_name, "ptmx") == 0);
    closedir(folder);
    struct statfs fs;
    HOLDS("/dev/pts is devpts", statfs("/dev/pts", &fs) == 0 && fs.f_type == DEVPTS_MAGIC);

    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) broken("no /dev/ptmx");
    // An instance of its own counts from 0; that of the host would be further on, and the name not there.
    const char *name = ptsname(master);
    HOLDS(text("its first terminal is %s", name), name && strcmp(name, "/dev/pts/0") == 0 && access(name, F_OK) == 0);
    for (int i = 1; i < 64; i++)
        REFUSED(text("open /dev/pts/%d", i), try_open(text("/dev/pts/%d", i), O_RDWR | O_NOCTTY), ENOENT);
    REFUSED("chown its terminal to 0", chown("/dev/pts/0", 0, 0), EPERM, EINVAL, EACCES, EROFS);
    return verdict();
}
