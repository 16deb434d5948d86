// Uses up one resource, as told: `load WHAT AMOUNT`. Exit code 3 with errno's words where the kernel refuses.
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int refused(const char *what, long done) {
    printf("%s refused after %ld: %s\n", what, done, strerror(errno));
    return 3;
}

static long microseconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000000L + used.tv_nsec / 1000;
}

static int touch(long mebibytes) {
    long size = mebibytes << 20;
    char *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return refused("mmap", 0);
    for (long at = 0; at < size; at += 4096) memory[at] = 1;
    printf("touched %ld\n", mebibytes);
    return 0;
}

static int spin(long milliseconds) {
    while (microseconds() < milliseconds * 1000);
    printf("%ld\n", microseconds());
    return 0;
}

static int forks(long count) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0) return refused("fork", i);
        if (child == 0) { pause(); _exit(0); }
    }
    printf("forked %ld\n", count);
    return 0;
}

static int open_files(long count) {
    for (long i = 0; i < count; i++)
        if (open("/dev/null", O_RDONLY) < 0) return refused("open", i);
    printf("opened %ld\n", count);
    return 0;
}

static int write_file(const char *path, long bytes) {
    static char block[65536];
    int file = open(path, O_WRONLY | O_CREAT, 0644);
    if (file < 0) return refused("open", 0);
    for (long done = 0; done < bytes;) {
        long want = bytes - done < (long)sizeof block ? bytes - done : (long)sizeof block;
        long wrote = write(file, block, want);
        if (wrote < 0) return refused("write", done);
        done += wrote;
    }
    printf("wrote %ld\n", bytes);
    return 0;
}

static int deeper(long bytes) {
    volatile char *frame = alloca(4096);
    frame[0] = 1;
    if (bytes <= 0) return 0;
    return deeper(bytes - 4096) + frame[0] - 1;
}

static int print(long bytes) {
    static char line[1024];
    memset(line, 'x', sizeof line);
    printf("first\n");
    fflush(stdout);
    for (long done = 0; done < bytes; done += sizeof line)
        if (write(1, line, sizeof line) < 0) return 3;
    printf("\nlast\n");
    return 0;
}

// A grandchild in a session of its own that holds stdout and stderr open.
static int leave(const char *seconds, const char *cookie) {
    if (fork() == 0) {
        setsid();
        if (fork() == 0) execlp("sleep", cookie, seconds, (char *)0);
        _exit(0);
    }
    wait(0);
    printf("left\n");
    return 0;
}

static int bomb(void) {
    for (;;) fork();
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    const char *word = argc > 2 ? argv[2] : "0";
    long amount = atol(word);
    if (!strcmp(what, "touch")) return touch(amount);
    if (!strcmp(what, "spin")) return spin(amount);
    if (!strcmp(what, "forks")) return forks(amount);
    if (!strcmp(what, "open")) return open_files(amount);
    if (!strcmp(what, "write")) return write_file(argv[3], amount);
    if (!strcmp(what, "stack")) return deeper(amount) + (printf("deep\n") < 0);
    if (!strcmp(what, "print")) return print(amount);
    if (!strcmp(what, "leave")) return leave("1000", argc > 2 ? word : "left");
    if (!strcmp(what, "bomb")) return bomb();
    if (!strcmp(what, "raise")) return raise(amount);
    return 2;
}
