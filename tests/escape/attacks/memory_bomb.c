// attack: more memory than it was given: heap, files in memory, shared memory (cgroups(7))
// limits: memory_bytes=67108864 disk_bytes=1073741824 file_bytes=1073741824 wall_time_ms=20000
// args: malloc shared sysv tmp workspace shm memfd
// alone: it uses up memory
// expect: status memory_exceeded or refused
//
// Being killed is the plain answer. Where an errno comes first (a smaller tmpfs, no SysV in the profile) the program
// says how much it got: more than the limit is an escape.
#include "attack.h"
#include <sys/mman.h>
#include <sys/shm.h>

#define LIMIT (64L << 20)
#define STEP (1L << 20)

static char block[STEP];

static int open_new(const char *where)
{
    if (strcmp(where, "memfd") == 0) return memfd_create("bomb", MFD_CLOEXEC);
    const char *folder = strcmp(where, "shm") == 0 ? "/dev/shm" : strcmp(where, "tmp") == 0 ? "/tmp" : "/workspace";
    return open(text("%s/bomb", folder), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static void *sysv(void)
{
    int id = shmget(IPC_PRIVATE, STEP, 0600);
    void *memory = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
    return memory == (void *)-1 ? NULL : memory;
}

static void *shared(void)
{
    void *memory = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "malloc";
    int is_shared = strcmp(how, "shared") == 0, is_sysv = strcmp(how, "sysv") == 0;
    int is_memory = is_shared || is_sysv || strcmp(how, "malloc") == 0;
    int fd = is_memory ? -1 : open_new(how);
    long total = 0;
    signal(SIGXFSZ, SIG_IGN);
    memset(block, 'x', STEP);
    if (!is_memory && fd < 0) broken("cannot open a file in %s: %s", how, strerror(errno));
    while (total <= 4 * LIMIT) {
        long count;
        if (is_memory) {
            void *memory = is_shared ? shared() : is_sysv ? sysv() : malloc(STEP);
            if (memory) memcpy(memory, block, STEP);
            count = memory ? STEP : -1;
        } else {
            count = write(fd, block, STEP);
        }
        if (count <= 0) break;
        total += count;
    }
    const char *error = strerrorname_np(errno);
    printf("%s: %ld KiB, then %s\n", how, total >> 10, error ? error : "no errno");
    HOLDS("that is not more than the limit", total <= LIMIT);
    return verdict();
}
