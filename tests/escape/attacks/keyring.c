// attack: kernel keyrings, which namespaces divide only in part (keyrings(7), CVE-2016-0728)
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/keyctl.h>

int main(void)
{
    REFUSED(
        "add_key user", syscall(SYS_add_key, "user", "stockade", "x", 1UL, KEY_SPEC_SESSION_KEYRING), EPERM, ENOSYS);
    REFUSED("add_key keyring", syscall(SYS_add_key, "keyring", "stockade", NULL, 0UL, KEY_SPEC_PROCESS_KEYRING), EPERM,
        ENOSYS);
    // Makes the kernel run /sbin/request-key on the host.
    REFUSED("request_key", syscall(SYS_request_key, "user", "stockade", "x", KEY_SPEC_SESSION_KEYRING), EPERM, ENOSYS);
    REFUSED("keyctl session keyring", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1), EPERM,
        ENOSYS);
    REFUSED("keyctl user keyring", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1), EPERM, ENOSYS);
    REFUSED("keyctl user session keyring", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_SESSION_KEYRING, 0),
        EPERM, ENOSYS);
    REFUSED("keyctl join a named session", syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "_ses"), EPERM, ENOSYS);
    REFUSED("keyctl session to parent", syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT), EPERM, ENOSYS);
    REFUSED(
        "keyctl persistent", syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1, KEY_SPEC_SESSION_KEYRING), EPERM, ENOSYS);
    return verdict();
}
