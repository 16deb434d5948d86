// attack: holding or regaining a capability (CVE-2022-29162, CVE-2025-27612; capabilities(7))
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

int main(void)
{
    static const char *const SETS[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    char status[8192];
    if (!slurp("/proc/self/status", status, sizeof status)) broken("cannot read status");
    for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++) {
        const char *at = strstr(status, SETS[i]);
        if (!at) broken("no %s", SETS[i]);
        HOLDS(text("%.23s is empty", at), strtoull(strchr(at, ':') + 1, NULL, 16) == 0);
    }
    HOLDS("no_new_privs is set", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    HOLDS("a seccomp filter is on", strstr(status, "Seccomp:\t2") != NULL);
    int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    int locks = SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
    HOLDS(text("securebits %#x are locked", bits), bits >= 0 && (bits & locks) == locks && (bits & SECBIT_NOROOT));

    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct all[2] = {{~0U, ~0U, ~0U}, {0x1ff, 0x1ff, 0x1ff}},
                                  inheritable[2] = {{0, 0, 1}, {0, 0, 0}};
    REFUSED("capset all", syscall(SYS_capset, &head, all), EPERM, ENOSYS);
    REFUSED("capset one inheritable", syscall(SYS_capset, &head, inheritable), EPERM, ENOSYS);
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
        REFUSED(text("raise ambient %d", cap), prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0), EPERM, EINVAL);
    return verdict();
}
