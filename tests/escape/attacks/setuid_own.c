// attack: giving privilege to a file of its own: setuid bits, owner, file capabilities (capabilities(7))
// expect: refused
//
// Run once more as `./setuid_own child` with the bits set, it tells what it has become.
#include "attack.h"
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/xattr.h>

int main(int argc, char **argv)
{
    if (argc > 1) return (geteuid() == 0) | (getegid() == 0) << 1 | (getauxval(AT_SECURE) != 0) << 2;

    char copy[1 << 16];
    int from = open(argv[0], O_RDONLY), to = open("raised", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    for (ssize_t got; (got = read(from, copy, sizeof copy)) > 0;)
        if (write(to, copy, got) != got) broken("copy");
    fchmod(to, 06755);
    close(to);

    REFUSED("chown to 0", chown("raised", 0, -1), EPERM, EINVAL);
    REFUSED("chgrp to 0", chown("raised", -1, 0), EPERM, EINVAL);
    REFUSED("chown to nobody", chown("raised", 65534, 65534), EPERM, EINVAL);
    struct vfs_cap_data two = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, .data = {{~0U, 0}, {~0U, 0}}};
    struct vfs_ns_cap_data three = {
        .magic_etc = VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE, .data = {{~0U, 0}, {~0U, 0}}};
    REFUSED("security.capability v2", setxattr("raised", "security.capability", &two, XATTR_CAPS_SZ_2, 0), EPERM,
        EACCES, EOPNOTSUPP);
    REFUSED("security.capability v3", setxattr("raised", "security.capability", &three, XATTR_CAPS_SZ_3, 0), EPERM,
        EACCES, EOPNOTSUPP);
    REFUSED(
        "trusted.overlay.opaque", setxattr("raised", "trusted.overlay.opaque", "y", 1, 0), EPERM, EACCES, EOPNOTSUPP);

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl("./raised", "raised", "child", NULL);
        _exit(77);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 7) broken("the copy did not run");
    HOLDS("its setuid copy gained nothing", WEXITSTATUS(status) == 0);
    return verdict();
}
