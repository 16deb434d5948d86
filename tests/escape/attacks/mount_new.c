// attack: the mount calls added since 5.2, which old deny-lists did not know (CVE-2021-41133, CVE-2022-0185)
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/mount.h>

#define SYS_OPEN_TREE_ATTR 467

int main(void)
{
    struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    int tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (tmp < 0) broken("no /tmp");
    REFUSED("fsopen tmpfs", syscall(SYS_fsopen, "tmpfs", 0), EPERM, ENOSYS);
    REFUSED("fsopen proc", syscall(SYS_fsopen, "proc", 0), EPERM, ENOSYS);
    REFUSED("fsopen cgroup2", syscall(SYS_fsopen, "cgroup2", 0), EPERM, ENOSYS);
    REFUSED("fsconfig", syscall(SYS_fsconfig, tmp, 6, NULL, NULL, 0), EPERM, ENOSYS);
    REFUSED("fsmount", syscall(SYS_fsmount, tmp, 0, 0), EPERM, ENOSYS);
    REFUSED("fspick /", syscall(SYS_fspick, AT_FDCWD, "/", 0), EPERM, ENOSYS);
    REFUSED("fspick /tmp", syscall(SYS_fspick, AT_FDCWD, "/tmp", 0), EPERM, ENOSYS);
    // Without OPEN_TREE_CLONE it is a mere O_PATH open; with it, a copy of the mount tree.
    REFUSED("open_tree clone /", syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE), EPERM, ENOSYS);
    REFUSED("open_tree namespace /", syscall(SYS_open_tree, AT_FDCWD, "/", 2), EPERM, ENOSYS);
    REFUSED("open_tree_attr", syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "/", OPEN_TREE_CLONE, &writable, sizeof writable),
        EPERM, ENOSYS);
    REFUSED("move_mount", syscall(SYS_move_mount, tmp, "", AT_FDCWD, "/etc", MOVE_MOUNT_F_EMPTY_PATH), EPERM, ENOSYS);
    REFUSED("mount_setattr / writable",
        syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &writable, sizeof writable), EPERM, ENOSYS);
    REFUSED("mount_setattr /usr writable", syscall(SYS_mount_setattr, AT_FDCWD, "/usr", 0, &writable, sizeof writable),
        EPERM, ENOSYS);
    return verdict();
}
