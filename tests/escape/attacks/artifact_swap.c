// attack: swapping an artifact for a symlink while it is collected (CVE-2018-15664, CVE-2021-30465)
// env: HOST_FILE
// artifacts: out/**
// limits: wall_time_ms=10000
// gone: swapper
// expect: refused
//
// The swapping goes on in a process that has left the program's session and parent; it must be dead before the first
// file is opened. The harness fails if the text of HOST_FILE is in any artifact.
#include "attack.h"
#include <sys/prctl.h>

#define EXCHANGE 2

int main(void)
{
    const char *canary = given("HOST_FILE");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", canary);
    *strrchr(folder, '/') = 0;
    mkdir("out", 0755);
    mkdir("out/folder", 0755);
    own_file("out/file", "plain", 0644);
    own_file(text("out/folder%s", strrchr(canary, '/')), "plain", 0644);
    if (symlink(canary, "other") < 0 || symlink(folder, "other-folder") < 0) broken("symlink");

    int ready[2];
    if (pipe(ready) < 0) broken("pipe");
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() != 0) _exit(0);
        prctl(PR_SET_NAME, "swapper");
        for (long round = 0;; round++) {
            if (renameat2(AT_FDCWD, "out/file", AT_FDCWD, "other", EXCHANGE) < 0) _exit(1);
            if (renameat2(AT_FDCWD, "out/folder", AT_FDCWD, "other-folder", EXCHANGE) < 0) _exit(1);
            if (round == 1000 && write(ready[1], "x", 1) != 1) _exit(1);
        }
    }
    close(ready[1]);
    waitpid(child, NULL, 0);
    char byte;
    HOLDS("it has swapped a thousand times and goes on", read(ready[0], &byte, 1) == 1);
    return verdict();
}
