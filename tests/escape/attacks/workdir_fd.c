// attack: asking to start in /proc/self/fd/N, hoping for a folder of the runtime there (CVE-2024-21626)
// args: 3 4 5 6 7 8 9 10 11 12 16 20
// workdir: /proc/self/fd/{}
// expect: rejected or status failed
#include "attack.h"

int main(void)
{
    char cwd[4096] = "?";
    if (readlink("/proc/self/cwd", cwd, sizeof cwd - 1) < 0) printf("no cwd\n");
    printf("ESCAPED: started in %s through a descriptor of the runtime\n", cwd);
    return 1;
}
