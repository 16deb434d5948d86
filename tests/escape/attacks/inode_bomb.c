// attack: a million empty files, folders and links: inodes cost kernel memory and no file space (tmpfs(5))
// limits: memory_bytes=536870912 disk_bytes=67108864 wall_time_ms=60000 cpu_time_ms=60000
// alone: it uses up memory and CPU time
// expect: refused
#include "attack.h"

int main(void)
{
    static const char *const FOLDERS[] = {"/workspace", "/tmp", "/dev/shm"};
    long count = 0;
    for (size_t f = 0; f < sizeof FOLDERS / sizeof *FOLDERS; f++) {
        const char *folder = FOLDERS[f];
        int result = 0;
        for (; count < 1000000 && result == 0; count += result == 0) {
            const char *path = text("%s/%ld", folder, count);
            result = count % 3 == 0 ? try_open(path, O_WRONLY | O_CREAT | O_EXCL)
                : count % 3 == 1    ? mkdir(path, 0700)
                                    : symlink("x", path);
        }
        int error = errno;
        printf("%s: %ld in all\n", folder, count);
        errno = error;
        REFUSED(text("one more in %s", folder), result, ENOSPC, EDQUOT);
    }
    HOLDS("a million is out of reach", count < 1000000);
    return verdict();
}
