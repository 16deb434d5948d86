// attack: the 32-bit entry `int 0x80`, whose numbers mean other syscalls (seccomp(2), CVE-2026-31431 socketcall)
// profile: default build
// args: getpid socketcall unshare
// expect: status security_violation
//
// The first call must end the program. Where the kernel has no 32-bit entry at all it dies of SIGSEGV: `signaled`.
#include "attack.h"

static long entry(long number, long first, long second)
{
    long result;
    __asm__ volatile("int $0x80"
        : "=a"(result)
        : "a"(number), "b"(first), "c"(second), "d"(0L), "S"(0L), "D"(0L)
        : "memory", "r8", "r9", "r10", "r11");
    return result;
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "getpid";
    long result = strcmp(which, "socketcall") == 0 ? entry(102, 1, 0)   // SYS_SOCKET with a bad pointer
        : strcmp(which, "unshare") == 0            ? entry(310, CLONE_NEWUSER, 0)
                                                   : entry(20, 0, 0);
    printf("ESCAPED: 32-bit %s came back with %ld\n", which, result);
    return 1;
}
