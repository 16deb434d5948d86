// attack: naming a program through a descriptor of the runtime, hoping for a folder there (CVE-2024-21626)
// args: 3 4 5 6 7 8 9 10 11 12 16 20
// command: /proc/self/fd/{}/../../../../../../../../../../bin/true
// expect: rejected or status failed
//
// Whichever /bin/true that finds, the job would succeed: this program itself is never run.
#include "attack.h"

int main(void)
{
    printf("ESCAPED: this is not what was asked for\n");
    return 1;
}
