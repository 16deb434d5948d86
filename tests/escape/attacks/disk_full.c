// attack: more file space than it was given, over all writable folders together (tmpfs(5))
// limits: disk_bytes=16777216 memory_bytes=268435456 file_bytes=1073741824
// expect: refused
#include "attack.h"

int main(void)
{
    static const char *const FOLDERS[] = {"/workspace", "/tmp", "/dev/shm"};
    static char block[65536];
    long total = 0;
    memset(block, 'x', sizeof block);
    for (size_t f = 0; f < sizeof FOLDERS / sizeof *FOLDERS; f++) {
        int fd = open(text("%s/full", FOLDERS[f]), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 && f == 0) broken("cannot write to %s", FOLDERS[f]);
        ssize_t count;
        while (total < 256L << 20 && (count = write(fd, block, sizeof block)) > 0) total += count;
        int error = errno;
        printf("%s: %ld KiB in all\n", FOLDERS[f], total >> 10);
        errno = error;
        REFUSED(text("the next write in %s", FOLDERS[f]), total < 256L << 20 ? -1 : 0, ENOSPC, EDQUOT);
        REFUSED(text("fallocate in %s", FOLDERS[f]), fallocate(fd, 0, 0, 1L << 29), ENOSPC, EDQUOT, EPERM, ENOSYS,
            EOPNOTSUPP);
    }
    HOLDS("together they hold at most 16 MiB", total <= 16L << 20);
    HOLDS("and not far less", total >= 12L << 20);
    return verdict();
}
