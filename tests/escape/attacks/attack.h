// What the attacks share: make a try, judge it, print one line for it, sum up at the end.
//
//   refused      last line, exit 0: every try failed, each with an errno that a refusal has
//   ESCAPED: …   exit 1: something worked that must not
//   UNCLEAR: …   exit 2: a try failed for another reason than a refusal, so it proves nothing
//   skipped: …   exit 77: the kernel lacks what is attacked
//
// Written for gcc on x86_64 Linux. Include it first: it asks for the GNU names.
#pragma once
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int tries, escapes, unclear;

// The families of errno that count as a refusal.
#define DENIED EPERM, EACCES, ENOSYS            // a syscall or a permission
#define HIDDEN ENOENT, EACCES, EPERM            // something of the host that is not there, or closed
#define READ_ONLY EROFS, EACCES, EPERM          // a write to what the job does not own
#define NO_WRITE EROFS, EACCES, EPERM, ENOENT   // the same for a file that a stricter /proc may lack altogether

// `call` returns -1 and errno is one of those listed. The call may have been made just before: errno is taken as it is.
#define REFUSED(what, call, ...)                                    \
    do {                                                            \
        long result_ = (long)(call);                                \
        judge(what, result_, errno, (const int[]){__VA_ARGS__, 0}); \
    } while (0)

// `condition` is true; printed either way.
#define HOLDS(what, condition)                     \
    do {                                           \
        tries++;                                   \
        if (condition)                             \
            printf("%s: holds\n", what);           \
        else {                                     \
            printf("ESCAPED: not so: %s\n", what); \
            escapes++;                             \
        }                                          \
    } while (0)

static inline void judge(const char *what, long result, int error, const int *accepted)
{
    tries++;
    if (result != -1) {
        printf("ESCAPED: %s: worked, result %ld\n", what, result);
        escapes++;
        return;
    }
    while (*accepted && *accepted != error) accepted++;
    const char *name = strerrorname_np(error);
    if (*accepted) {
        printf("%s: %s\n", what, name);
    } else {
        printf("UNCLEAR: %s: %s\n", what, name ? name : "no errno");
        unclear++;
    }
}

// Ends the program: the test itself is at fault, or what it needs is missing.
static inline __attribute__((noreturn, format(printf, 1, 2))) void broken(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    printf("UNCLEAR: ");
    vprintf(format, values);
    printf("\n");
    exit(2);
}

// Ends the program where the kernel lacks what the attack is about: a named skip, never a pass.
static inline __attribute__((noreturn)) void skipped(const char *why)
{
    printf("skipped: %s\n", why);
    exit(77);
}

// The exit code of the program, after its last line.
static inline int verdict(void)
{
    if (tries == 0) broken("nothing was tried");
    if (escapes)
        printf("ESCAPED: %d of %d\n", escapes, tries);
    else if (unclear)
        printf("UNCLEAR: %d of %d\n", unclear, tries);
    else
        printf("refused\n");
    return escapes ? 1 : unclear ? 2 : 0;
}

// A formatted text that stays valid for the next seven calls.
static inline __attribute__((format(printf, 1, 2))) const char *text(const char *format, ...)
{
    static char ring[8][4200];
    static int next;
    char *slot = ring[next++ % 8];
    va_list values;
    va_start(values, format);
    vsnprintf(slot, sizeof ring[0], format, values);
    va_end(values);
    return slot;
}

// Opens and closes; 0, or -1 and errno.
static inline int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0) return -1;
    close(fd);
    return 0;
}

// Opens and reads one byte; 0 when there was one, -1 and errno otherwise. An empty file counts as ENOENT: that is how
// a masked one looks.
static inline int try_read(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -1;
    ssize_t count = read(fd, &byte, 1);
    int error = count == 0 ? ENOENT : errno;
    close(fd);
    errno = error;
    return count == 1 ? 0 : -1;
}

// Opens and writes; 0 or -1 and errno.
static inline int try_write(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -1;
    ssize_t count = write(fd, content, strlen(content));
    int error = errno;
    close(fd);
    errno = error;
    return count < 0 ? -1 : 0;
}

// The content of a file as a string, cut at `size - 1`; NULL and errno when it cannot be read.
static inline char *slurp(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    size_t used = 0;
    for (ssize_t count; used < size - 1 && (count = read(fd, buffer + used, size - 1 - used)) > 0;) used += count;
    buffer[used] = 0;
    close(fd);
    return buffer;
}

// A file of the job's own; ends the program when that fails, since then nothing after it means anything.
static inline void own_file(const char *path, const char *content, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, content, strlen(content)) < 0 || fchmod(fd, mode) < 0)
        broken("cannot make %s: %s", path, strerror(errno));
    close(fd);
}

// A value the harness promised in `// env:`.
static inline const char *given(const char *name)
{
    const char *value = getenv(name);
    if (!value || !*value) broken("the harness did not give %s", name);
    return value;
}

// These programs do harm by design: none runs in the machine's own PID namespace, not even by accident.
static inline __attribute__((constructor)) void only_in_a_sandbox(void)
{
    char link[64] = "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (readlink("/proc/self/ns/pid", link, sizeof link - 1) > 0 && strcmp(link, "pid:[4026531836]") == 0)
        broken("this is the PID namespace of the host");
}
