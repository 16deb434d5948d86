// attack: pivot_root(2), and chroot(2) with the old way out: a descriptor kept outside, then `..` upwards (chroot(2))
// profile: default build
// expect: refused
#include "attack.h"

int main(void)
{
    mkdir("new", 0755);
    mkdir("new/old", 0755);
    REFUSED("pivot_root new new/old", syscall(SYS_pivot_root, "new", "new/old"), EPERM, ENOSYS);
    REFUSED("pivot_root . .", syscall(SYS_pivot_root, ".", "."), EPERM, ENOSYS);
    REFUSED("chroot new", chroot("new"), EPERM, ENOSYS);
    REFUSED("chroot /", chroot("/"), EPERM, ENOSYS);
    REFUSED("chroot /proc/1/root", chroot("/proc/1/root"), EPERM, EACCES, ENOSYS);

    // Upwards from everywhere ends at the sandbox's own root.
    struct stat root, above;
    if (stat("/", &root) < 0) broken("no /");
    static const char *const STARTS[] = {
        "/", "/proc/self/root", "/proc/self/cwd", "/workspace", "/dev/shm", "/usr/bin"};
    for (size_t i = 0; i < sizeof STARTS / sizeof *STARTS; i++) {
        const char *path = text("%s/../../../../../../../../..", STARTS[i]);
        if (stat(path, &above) < 0) broken("cannot follow %s", path);
        HOLDS(text("%s is /", path), above.st_dev == root.st_dev && above.st_ino == root.st_ino);
    }
    return verdict();
}
