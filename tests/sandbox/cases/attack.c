// Tries to change what a case runs over, or to reach it by another way than the overlay; says what it was let do.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int let;

static void tried(const char *what, long result) {
    if (result >= 0) { printf("let: %s\n", what); let = 1; }
}

static void write_into(const char *path) {
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0644);
    if (fd >= 0 && write(fd, "changed", 7) == 7) { printf("let: write %s\n", path); let = 1; }
}

int main(void) {
    tried("umount", umount2("/workspace", MNT_DETACH));
    tried("umount lower", umount2("/workspace/lower", 0));
    tried("bind", mount("/workspace", "/tmp", 0, MS_BIND, 0));
    tried("remount", mount(0, "/workspace", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0));
    tried("overlay", mount("overlay", "/tmp", "overlay", 0, "lowerdir=/workspace"));
    tried("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/workspace", 1 /* OPEN_TREE_CLONE */));
    tried("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    tried("fspick", syscall(SYS_fspick, AT_FDCWD, "/workspace", 0));
    tried("unshare", unshare(0x10000000 | 0x00020000 /* CLONE_NEWUSER | CLONE_NEWNS */));
    tried("pivot_root", syscall(SYS_pivot_root, "/workspace", "/workspace"));
    tried("chroot", chroot("/workspace"));

    // Places named in mountinfo, and ways around what covers them.
    const char *places[] = {"/workspace/lower/a", "/workspace/upper/a", "/workspace/work/a", "/workspace/../workspace/lower/a",
        "/scratch/workspace/lower/a", "/lent/0/a", "/job/workspace/lower/a", "/proc/1/root/workspace/lower/a",
        "/proc/self/root/scratch/a", "/proc/self/cwd/lower/a", "/tmp/../scratch/lower/a"};
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        write_into(places[i]);
        tried(places[i], open(places[i], O_RDONLY));
    }
    for (int fd = 3; fd < 1024; fd++) tried("descriptor", fcntl(fd, F_GETFD));

    // By a handle, where the kernel gives one.
    struct { struct file_handle head; char bytes[128]; } handle = {.head.handle_bytes = 128};
    int mount_id;
    if (name_to_handle_at(AT_FDCWD, "/workspace/a", &handle.head, &mount_id, 0) == 0) {
        int folder = open("/workspace", O_RDONLY | O_DIRECTORY);
        tried("open_by_handle_at", open_by_handle_at(folder, &handle.head, O_RDWR));
    }

    // The overlay's own marks: on its files they must mean nothing, or be refused.
    setxattr("/workspace/a", "user.overlay.redirect", "/b", 2, 0);
    setxattr("/workspace/a", "user.overlay.metacopy", "", 0, 0);
    setxattr("/workspace/a", "trusted.overlay.opaque", "y", 1, 0);
    setxattr("/workspace/d", "user.overlay.opaque", "y", 1, 0);
    setxattr("/workspace", "user.overlay.origin", "x", 1, 0);
    struct stat found;
    if (stat("/workspace/d/inner", &found) != 0) { printf("let: hide by a mark\n"); let = 1; }
    tried("whiteout", mknod("/workspace/w", S_IFCHR, makedev(0, 0)));

    // Across the layers: refused or copied, never the base itself.
    rename("/workspace/d", "/workspace/e");
    rename("/workspace/a", "/tmp/a");
    link("/workspace/b", "/workspace/linked");
    syscall(SYS_renameat2, AT_FDCWD, "/workspace/b", AT_FDCWD, "/workspace/c", 2 /* RENAME_EXCHANGE */);
    int own = open("/workspace/b", O_WRONLY | O_TRUNC);
    if (own >= 0 && write(own, "changed", 7) != 7) return 2;
    chmod("/workspace", 0777);
    truncate("/workspace/c", 0);
    unlink("/workspace/a");
    utimensat(AT_FDCWD, "/workspace/c", 0, 0);
    return let;
}
