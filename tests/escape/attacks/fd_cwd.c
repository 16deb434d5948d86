// attack: leaving through the working directory or /proc/self/fd/N (CVE-2024-21626, the second half)
// expect: refused
#include "attack.h"

int main(void)
{
    char cwd[4096];
    HOLDS("getcwd works", getcwd(cwd, sizeof cwd) != NULL);
    HOLDS(text("%s is inside", cwd), cwd[0] == '/' && !strstr(cwd, "(unreachable)"));
    if (readlink("/proc/self/cwd", cwd, sizeof cwd) < 0) broken("no /proc/self/cwd");
    for (int fd = 3; fd < 256; fd++) {
        REFUSED(text("chdir /proc/self/fd/%d", fd), chdir(text("/proc/self/fd/%d", fd)), ENOENT);
        if (fd < 64)
            REFUSED(text("open /proc/self/fd/%d/../../../etc/shadow", fd),
                try_open(text("/proc/self/fd/%d/../../../etc/shadow", fd), O_RDONLY), ENOENT);
    }
    // A folder of its own, removed while it stands in it, must not resolve to anything above the root.
    mkdir("gone", 0755);
    if (chdir("gone") < 0 || rmdir("../gone") < 0) broken("chdir");
    REFUSED("getcwd in a removed folder", getcwd(cwd, sizeof cwd) ? 0 : -1, ENOENT);
    REFUSED("open .. of a removed folder and up", try_open("../../../../root/.ssh", O_RDONLY), HIDDEN);
    return verdict();
}
