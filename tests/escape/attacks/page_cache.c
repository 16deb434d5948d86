// attack: filling the memory limit with pages of files it may only read (cgroups(7))
// limits: memory_bytes=67108864 wall_time_ms=60000 cpu_time_ms=60000
// expect: refused
//
// Such pages can be dropped: the program must live, and the harness sees that memory_peak_bytes stays within the
// limit.
#include "attack.h"
#include <ftw.h>

static long total;

static int swallow(const char *path, const struct stat *info, int kind, struct FTW *unused)
{
    static char block[1 << 20];
    (void)unused;
    if (kind != FTW_F || !S_ISREG(info->st_mode) || info->st_size < 65536) return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    for (ssize_t count; (count = read(fd, block, sizeof block)) > 0;) total += count;
    close(fd);
    return total > 512L << 20;
}

int main(void)
{
    nftw("/usr", swallow, 32, FTW_PHYS);
    printf("read %ld MiB\n", total >> 20);
    if (total < 128L << 20) broken("not enough to read: the limit was never reached");
    HOLDS("reading more than the limit does not end the program", 1);
    return verdict();
}
