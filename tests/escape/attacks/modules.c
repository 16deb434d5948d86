// attack: loading code into the kernel or replacing it: modules, kexec, reboot (init_module(2), kexec_load(2))
// profile: default build
// expect: refused
#include "attack.h"
#include <linux/reboot.h>

int main(void)
{
    int fd = open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
    REFUSED("init_module", syscall(SYS_init_module, "x", 1UL, ""), EPERM, ENOSYS);
    REFUSED("finit_module", syscall(SYS_finit_module, fd, "", 0), EPERM, ENOSYS);
    REFUSED("delete_module", syscall(SYS_delete_module, "loop", O_NONBLOCK), EPERM, ENOSYS);
    REFUSED("create_module", syscall(SYS_create_module, "x", 1UL), EPERM, ENOSYS);
    REFUSED("kexec_load", syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL), EPERM, ENOSYS);
    REFUSED("kexec_file_load", syscall(SYS_kexec_file_load, fd, -1, 0UL, NULL, 4UL), EPERM, ENOSYS);
    // With the key combination off, the mildest command there is; the others are checked by the same capability.
    REFUSED("reboot", syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL),
        EPERM, ENOSYS);
    REFUSED("modprobe by an unknown binary format", try_write("/proc/sys/kernel/modprobe", "/workspace/x"), NO_WRITE);
    return verdict();
}
