// attack: mount(2) in all its forms: new file systems, binds, remounts to writable, moves, propagation (mount(2))
// profile: default build
// expect: refused
#include "attack.h"
#include <sys/mount.h>

int main(void)
{
    mkdir("m", 0755);
    REFUSED("tmpfs", mount("none", "m", "tmpfs", 0, NULL), EPERM, ENOSYS);
    REFUSED("proc", mount("none", "m", "proc", 0, NULL), EPERM, ENOSYS);
    REFUSED("sysfs", mount("none", "m", "sysfs", 0, NULL), EPERM, ENOSYS);
    REFUSED("devpts", mount("none", "m", "devpts", 0, "newinstance"), EPERM, ENOSYS);
    REFUSED("mqueue", mount("none", "m", "mqueue", 0, NULL), EPERM, ENOSYS);
    REFUSED("overlay", mount("none", "m", "overlay", 0, "lowerdir=/usr:/etc"), EPERM, ENOSYS);
    REFUSED("bind /usr", mount("/usr", "m", NULL, MS_BIND | MS_REC, NULL), EPERM, ENOSYS);
    REFUSED("bind own directory over /etc", mount("m", "/etc", NULL, MS_BIND, NULL), EPERM, ENOSYS);
    REFUSED("bind own directory over /proc", mount("m", "/proc", NULL, MS_BIND, NULL), EPERM, ENOSYS);
    REFUSED("remount / writable", mount(NULL, "/", NULL, MS_REMOUNT, NULL), EPERM, ENOSYS);
    REFUSED("remount bind / writable", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM, ENOSYS);
    REFUSED("remount bind /usr writable", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM, ENOSYS);
    REFUSED("remount /tmp with suid and dev", mount(NULL, "/tmp", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM, ENOSYS);
    REFUSED("remount /tmp larger", mount(NULL, "/tmp", NULL, MS_REMOUNT, "size=100%"), EPERM, ENOSYS);
    REFUSED("move /tmp", mount("/tmp", "m", NULL, MS_MOVE, NULL), EPERM, ENOSYS);
    REFUSED("move / elsewhere", mount("/", "m", NULL, MS_MOVE, NULL), EPERM, ENOSYS);
    REFUSED("make / shared", mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL), EPERM, ENOSYS);
    return verdict();
}
