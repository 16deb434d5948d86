// attack: bits that weaken the process or emulate what nobody tests: executable data, page zero (personality(2))
// expect: refused
//
// ADDR_NO_RANDOMIZE is left to the profile, debuggers use it; only noted. The query must work.
#include "attack.h"
#include <sys/personality.h>

int main(void)
{
    static const struct {
        const char *name;
        unsigned long bits;
    } KINDS[] = {
        {"READ_IMPLIES_EXEC", READ_IMPLIES_EXEC},
        {"MMAP_PAGE_ZERO", MMAP_PAGE_ZERO},
        {"ADDR_COMPAT_LAYOUT", ADDR_COMPAT_LAYOUT},
        {"FDPIC_FUNCPTRS", FDPIC_FUNCPTRS},
        {"STICKY_TIMEOUTS", STICKY_TIMEOUTS},
        {"PER_SVR4", PER_SVR4},
        {"PER_BSD", PER_BSD},
        {"READ_IMPLIES_EXEC with high bits", READ_IMPLIES_EXEC | 1UL << 32},
    };
    int before = personality(0xffffffff);
    HOLDS("the query works", before >= 0);
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        REFUSED(KINDS[i].name, syscall(SYS_personality, KINDS[i].bits), EPERM, ENOSYS);
    HOLDS("nothing changed", personality(0xffffffff) == before);
    int result = personality(ADDR_NO_RANDOMIZE);
    printf("note: ADDR_NO_RANDOMIZE %s\n", result < 0 ? strerrorname_np(errno) : "is allowed");
    return verdict();
}
