// attack: crashing, so that the host's crash handler runs as root on the job's data (core(5), CVE-2025-4598)
// expect: refused
//
// With a core_pattern that starts with `|` the kernel starts the handler even where RLIMIT_CORE is 0; only a limit of
// 1 keeps it from that. WCOREDUMP tells whether anything was dumped, file or pipe.
#include "attack.h"
#include <sys/prctl.h>
#include <sys/resource.h>

static void crash(const char *how, int lower)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        prctl(PR_SET_DUMPABLE, 1);
        if (lower) setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL);
        *(volatile int *)16 = 1;
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    HOLDS(text("%s dies of SIGSEGV", how), WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    HOLDS(text("%s dumps no core", how), !WCOREDUMP(status));
}

int main(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    HOLDS(text("RLIMIT_CORE is %lu at most", (unsigned long)limit.rlim_max), limit.rlim_max <= 1);
    crash("a crash", 0);
    crash("a crash with the limit lowered to 0", 1);
    DIR *folder = opendir(".");
    if (!folder) broken("no working directory");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strncmp(entry->d_name, "core", 4) == 0 && strncmp(entry->d_name, "coredump", 8) != 0)
            HOLDS(text("no file %s", entry->d_name), 0);
    closedir(folder);
    return verdict();
}
