// attack: the x32 entry: the 64-bit instruction with bit 30 in the number, past a filter of plain numbers (seccomp(2))
// profile: default build
// args: getpid ptrace high
// expect: status security_violation
//
// The filter sees the number before the kernel knows whether x32 is built in, so this must end the program
// everywhere.
#include "attack.h"

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "getpid";
    errno = 0;
    long result = strcmp(which, "ptrace") == 0
        ? syscall(0x40000000 + 521, 0, 0, 0, 0)   // x32 has numbers of its own from 512 on
        : strcmp(which, "high") == 0 ? syscall(0x40000000 + 547, 0, 0, 0, 0)
                                     : syscall(0x40000000 + SYS_getpid);
    printf("ESCAPED: x32 %s came back with %ld, errno %d\n", which, result, errno);
    return 1;
}
