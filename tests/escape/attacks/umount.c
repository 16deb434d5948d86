// attack: taking away the masks over /proc, /dev, /usr and the root itself to see what lies beneath (umount2(2))
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/mount.h>

int main(void)
{
    static const char *const TARGETS[] = {
        "/", "/usr", "/proc", "/proc/sys", "/proc/kcore", "/dev", "/dev/null", "/dev/shm", "/tmp", "/workspace"};
    for (size_t i = 0; i < sizeof TARGETS / sizeof *TARGETS; i++) {
        REFUSED(text("umount %s", TARGETS[i]), umount2(TARGETS[i], 0), EPERM, ENOSYS);
        REFUSED(text("umount -l %s", TARGETS[i]), umount2(TARGETS[i], MNT_DETACH | UMOUNT_NOFOLLOW), EPERM, ENOSYS);
    }
    return verdict();
}
