// attack: "Dirty Pipe" on a file of its own that is open read-only: splice, then write the pipe (CVE-2022-0847)
// expect: refused
#include "attack.h"

int main(void)
{
    char content[64] = "unchanged unchanged unchanged", page[4096], now[64];
    own_file("victim", content, 0444);
    int fd = open("victim", O_RDONLY | O_CLOEXEC), ends[2];
    REFUSED("open a 0444 file for writing", try_open("victim", O_WRONLY), EACCES);
    if (fd < 0 || pipe(ends) < 0) broken("setup");
    // Fill and drain, so that every buffer of the pipe has once been marked as mergeable.
    size_t size = fcntl(ends[1], F_GETPIPE_SZ);
    for (size_t done = 0; done < size; done += sizeof page)
        if (write(ends[1], page, sizeof page) < 0) broken("fill");
    for (size_t done = 0; done < size; done += sizeof page)
        if (read(ends[0], page, sizeof page) < 0) broken("drain");
    loff_t offset = 0;
    ssize_t moved = splice(fd, &offset, ends[1], NULL, 1, 0);
    if (moved != 1)
        REFUSED("splice", moved, EPERM, ENOSYS, EINVAL);
    else if (write(ends[1], "OVERWRITTEN", 11) != 11)
        broken("write");
    if (pread(fd, now, sizeof now, 0) < 0) broken("read");
    HOLDS("the file is as it was", memcmp(now, content, strlen(content)) == 0);
    REFUSED("splice into a read-only descriptor", splice(ends[0], NULL, fd, &offset, 1, 0), EBADF, EPERM, ENOSYS);
    return verdict();
}
