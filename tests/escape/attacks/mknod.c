// attack: making device nodes of the host's memory, disks and console by number (mknod(2))
// profile: default build
// expect: refused
//
// The whiteout 0:0 is a device that opens nothing; since 5.8 the kernel lets anyone make it, landlock does not.
#include "attack.h"
#include <sys/sysmacros.h>

int main(void)
{
    static const struct {
        const char *name;
        mode_t type;
        unsigned major, minor;
    } NODES[] = {
        {"mem", S_IFCHR, 1, 1},
        {"null", S_IFCHR, 1, 3},
        {"kmsg", S_IFCHR, 1, 11},
        {"tty0", S_IFCHR, 4, 0},
        {"console", S_IFCHR, 5, 1},
        {"fuse", S_IFCHR, 10, 229},
        {"kvm", S_IFCHR, 10, 232},
        {"tun", S_IFCHR, 10, 200},
        {"whiteout", S_IFCHR, 0, 0},
        {"loop0", S_IFBLK, 7, 0},
        {"sda", S_IFBLK, 8, 0},
        {"vda", S_IFBLK, 254, 0},
    };
    static const char *const FOLDERS[] = {"/workspace", "/tmp", "/dev/shm", "/dev"};
    for (size_t f = 0; f < sizeof FOLDERS / sizeof *FOLDERS; f++) {
        int folder = open(FOLDERS[f], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) broken("no %s", FOLDERS[f]);
        for (size_t i = 0; i < sizeof NODES / sizeof *NODES; i++) {
            dev_t device = makedev(NODES[i].major, NODES[i].minor);
            const char *path = text("%s/node-%s", FOLDERS[f], NODES[i].name);
            REFUSED(text("mknod %s", path), mknod(path, NODES[i].type | 0666, device), READ_ONLY);
            REFUSED(text("mknodat %s", path),
                mknodat(folder, path + strlen(FOLDERS[f]) + 1, NODES[i].type | 0666, device), READ_ONLY);
        }
        close(folder);
    }
    // A file must not turn into a device by its mode either.
    own_file("plain", "x", 0644);
    struct stat info;
    if (chmod("plain", S_IFCHR | 0666) < 0 || stat("plain", &info) < 0) broken("chmod");
    HOLDS("a file stays a file", S_ISREG(info.st_mode));
    return verdict();
}
