// attack: opening files by handle instead of by name, past every mount (open_by_handle_at(2); "shocker", docker 2014)
// profile: default build
// expect: refused
#include "attack.h"

int main(void)
{
    static const char *const MOUNTS[] = {"/", "/usr", "/etc", "/workspace", "/tmp", "/dev/null", "/proc/self"};
    union {
        struct file_handle head;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } handle;
    for (size_t i = 0; i < sizeof MOUNTS / sizeof *MOUNTS; i++) {
        int id, mount = open(MOUNTS[i], O_RDONLY | O_CLOEXEC);
        if (mount < 0) broken("cannot open %s", MOUNTS[i]);
        // Asking for a handle may work; using one must not.
        handle.head.handle_bytes = MAX_HANDLE_SZ;
        if (name_to_handle_at(AT_FDCWD, MOUNTS[i], &handle.head, &id, 0) == 0)
            REFUSED(text("open %s by its handle", MOUNTS[i]), open_by_handle_at(mount, &handle.head, O_RDONLY), EPERM,
                ENOSYS);
        // Inode 2 is the root directory of ext4, 64 and 128 that of xfs.
        for (uint32_t inode = 2; inode <= 128; inode *= 8) {
            handle.head.handle_bytes = 8;
            handle.head.handle_type = 1;
            memcpy(handle.head.f_handle, (uint32_t[]){inode, 0}, 8);
            REFUSED(text("open inode %u by %s", inode, MOUNTS[i]), open_by_handle_at(mount, &handle.head, O_RDONLY),
                EPERM, ENOSYS);
        }
        close(mount);
    }
    // The kernel's own process file system takes handles from anyone since 6.14.
    handle.head.handle_bytes = 8;
    handle.head.handle_type = 0xf1;
    REFUSED(
        "open a pidfd by handle", open_by_handle_at(-10002 /* FD_PIDFS_ROOT */, &handle.head, O_RDONLY), EPERM, ENOSYS);
    return verdict();
}
