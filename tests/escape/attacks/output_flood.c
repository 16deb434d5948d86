// attack: 64 MiB on stdout and stderr at once while stdin stays unread (pipe(7))
// limits: wall_time_ms=30000 cpu_time_ms=30000 output_bytes=65536
// stdin: 4194304
// expect: refused
//
// Head and tail are kept, so the last line arrives; both outputs are `truncated`.
#include "attack.h"

int main(void)
{
    static char block[65536];
    memset(block, '.', sizeof block);
    block[sizeof block - 1] = '\n';
    pid_t child = fork();
    int fd = child == 0 ? 2 : 1;
    for (int i = 0; i < 1024; i++)
        for (size_t done = 0; done < sizeof block;) {
            ssize_t count = write(fd, block + done, sizeof block - done);
            if (count < 0) broken("write: %s", strerror(errno));
            done += count;
        }
    if (child == 0) _exit(0);
    int status;
    waitpid(child, &status, 0);
    HOLDS("both were written to the end", status == 0);
    return verdict();
}
