// attack: userfaultfd, /dev/userfaultfd, /dev/fuse: stopping the kernel within a copy (userfaultfd(2))
// profile: default build
// expect: refused
#include "attack.h"

int main(void)
{
    REFUSED("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC), EPERM, ENOSYS);
    REFUSED("userfaultfd user mode only", syscall(SYS_userfaultfd, O_CLOEXEC | 1), EPERM, ENOSYS);
    REFUSED("/dev/userfaultfd", try_open("/dev/userfaultfd", O_RDWR), HIDDEN);
    REFUSED("/dev/fuse, which can do the same", try_open("/dev/fuse", O_RDWR), HIDDEN);
    return verdict();
}
