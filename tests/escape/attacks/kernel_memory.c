// attack: memory that the kernel holds for it: what lies in pipes, sockets and message queues (pipe(7), unix(7))
// limits: memory_bytes=67108864 wall_time_ms=20000 open_files=1024 pids=64
// args: pipes sockets queues
// alone: it uses up memory
// expect: status memory_exceeded or refused
//
// Each of sixteen processes fills as many as it may open. The limits on descriptors and on pipes per user may end
// that before the memory limit does; then what is held must be less than the limit.
#include "attack.h"
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/socket.h>

#define LIMIT (64L << 20)

static char block[65536];

static long fill_one(const char *how)
{
    int ends[2];
    long total = 0;
    if (strcmp(how, "queues") == 0) {
        int id = msgget(IPC_PRIVATE, 0600);
        if (id < 0) return -1;
        while (msgsnd(id, block, 8192 - sizeof(long), IPC_NOWAIT) == 0) total += 8192;
        return total;
    }
    int made =
        strcmp(how, "pipes") == 0 ? pipe2(ends, O_NONBLOCK) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
    if (made < 0) return -1;
    for (ssize_t count; (count = write(ends[1], block, sizeof block)) > 0;) total += count;
    return total;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "pipes";
    volatile long *held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(block, 1, sizeof block);
    int ready[2];
    if (held == MAP_FAILED || pipe(ready) < 0) broken("setup");
    for (int i = 0; i < 16; i++) {
        if (fork() != 0) continue;
        for (long count; (count = fill_one(how)) >= 0 && *held < 8 * LIMIT;) __sync_fetch_and_add(held, count);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    char byte;
    for (int i = 0; i < 16; i++)
        if (read(ready[0], &byte, 1) != 1) broken("read");
    printf("%s: %ld KiB are held\n", how, *held >> 10);
    HOLDS("something was held", *held > 0);
    HOLDS("it is not more than the limit", *held <= LIMIT);
    return verdict();
}
