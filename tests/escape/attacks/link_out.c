// attack: hard links and renames that carry a file of the host in, or its own out (link(2), CVE-2024-28185)
// expect: refused
#include "attack.h"

#define EXCHANGE 2

int main(void)
{
    static const char *const FILES[] = {
        "/etc/passwd", "/etc/hosts", "/usr/bin/env", "/bin/sh", "/proc/self/status", "/dev/null"};
    static const char *const FOLDERS[] = {"/workspace", "/tmp", "/dev/shm"};
    for (size_t f = 0; f < sizeof FOLDERS / sizeof *FOLDERS; f++) {
        for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
            const char *here = text("%s/taken", FOLDERS[f]);
            REFUSED(text("link %s to %s", FILES[i], here), link(FILES[i], here), EXDEV, EPERM, EACCES, EROFS);
            REFUSED(
                text("rename %s to %s", FILES[i], here), rename(FILES[i], here), EXDEV, EPERM, EACCES, EROFS, EBUSY);
            int fd = open(FILES[i], O_PATH | O_CLOEXEC);
            if (fd < 0) broken("no %s", FILES[i]);
            REFUSED(text("link %s by descriptor", FILES[i]),
                linkat(AT_FDCWD, text("/proc/self/fd/%d", fd), AT_FDCWD, here, AT_SYMLINK_FOLLOW), EXDEV, EPERM, EACCES,
                EROFS);
            REFUSED(text("link %s by empty path", FILES[i]), linkat(fd, "", AT_FDCWD, here, AT_EMPTY_PATH), EXDEV,
                EPERM, EACCES, EROFS, ENOENT);
            close(fd);
            own_file(text("%s/mine", FOLDERS[f]), "x", 0644);
            REFUSED(text("exchange %s with %s/mine", FILES[i], FOLDERS[f]),
                renameat2(AT_FDCWD, FILES[i], AT_FDCWD, text("%s/mine", FOLDERS[f]), EXCHANGE), EXDEV, EPERM, EACCES,
                EROFS, EBUSY, EINVAL);
        }
        unlink(text("%s/mine", FOLDERS[f]));
    }
    REFUSED("rename /workspace", rename("/workspace", "/elsewhere"), EBUSY, EPERM, EACCES, EROFS, EXDEV);
    REFUSED("remove /tmp", rmdir("/tmp"), EBUSY, EPERM, EACCES, EROFS, ENOTEMPTY);
    return verdict();
}
