// attack: a file of one terabyte without content, in the hope that the collector reads it all (lseek(2))
// limits: file_bytes=1073741824 disk_bytes=16777216 memory_bytes=67108864
// artifacts: out/**
// expect: refused
// expect-artifact-error: out/sparse too_large
// expect-artifact-error: out/sparse-more too_large|absent
#include "attack.h"
#include <sys/mman.h>

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    mkdir("out", 0755);
    int fd = open("out/sparse", O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) broken("open");
    REFUSED("1 TB by ftruncate", ftruncate(fd, 1L << 40), EFBIG, ENOSPC);
    REFUSED("1 TB by a write at its end", pwrite(fd, "x", 1, (1L << 40) - 1), EFBIG, ENOSPC);
    REFUSED("1 TB by fallocate", fallocate(fd, 0, 0, 1L << 40), EFBIG, ENOSPC, EPERM, ENOSYS, EOPNOTSUPP);
    REFUSED("2^63-1 by ftruncate", ftruncate(fd, INT64_MAX), EFBIG, EINVAL, ENOSPC);
    // What the limit allows costs the job nothing, and a careless collector a gigabyte.
    if (ftruncate(fd, 1073741824) < 0) broken("the limit itself is refused: %s", strerror(errno));
    close(fd);
    // Many of them: the sum counts as well.
    for (int i = 0; i < 64; i++) {
        fd = open(text("out/sparse-more%s", i ? text("-%d", i) : ""), O_RDWR | O_CREAT | O_TRUNC, 0644);
        if (fd < 0 || ftruncate(fd, 1073741824) < 0) broken("sparse %d", i);
        close(fd);
    }
    return verdict();
}
