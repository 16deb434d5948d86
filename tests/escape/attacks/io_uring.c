// attack: io_uring, whose requests never pass the seccomp filter (io_uring(7); nsjail #341, isolate 2.6)
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/io_uring.h>

int main(void)
{
    struct io_uring_params plain = {0}, polled = {.flags = IORING_SETUP_SQPOLL},
                           disabled = {.flags = IORING_SETUP_R_DISABLED};
    REFUSED("setup", syscall(SYS_io_uring_setup, 4, &plain), EPERM, ENOSYS);
    REFUSED("setup with a kernel thread", syscall(SYS_io_uring_setup, 4, &polled), EPERM, ENOSYS);
    REFUSED("setup disabled", syscall(SYS_io_uring_setup, 4, &disabled), EPERM, ENOSYS);
    REFUSED("enter", syscall(SYS_io_uring_enter, 0, 1, 0, 0, NULL, 0), EPERM, ENOSYS);
    REFUSED("register", syscall(SYS_io_uring_register, 0, 8, NULL, 0), EPERM, ENOSYS);
    REFUSED("register without a ring", syscall(SYS_io_uring_register, -1, 31, NULL, 0), EPERM, ENOSYS);
    return verdict();
}
