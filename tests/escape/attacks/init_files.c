// attack: reading and writing init through /proc/1: memory, environment, descriptors, root (CVE-2016-9962, proc(5))
// profile: default build
// expect: refused
//
// Init has the job's own user id, so only its being non-dumpable stands between: take that away and most of these
// open. With a map of one id the job owns these files even so, and some ask for no more than that: there only a /proc
// that hides init (hidepid) refuses them all.
#include "attack.h"

int main(void)
{
    static const char *const READS[] = {"mem", "environ", "auxv", "maps", "smaps", "smaps_rollup", "numa_maps",
        "pagemap", "stack", "syscall", "personality", "io", "timers", "task/1/mem", "task/1/environ", "task/1/maps"};
    static const char *const FOLDERS[] = {"fd", "fdinfo", "map_files", "task/1/fd", "cwd/", "root/"};
    static const char *const WRITES[] = {"mem", "clear_refs", "coredump_filter", "oom_score_adj", "oom_adj", "comm",
        "uid_map", "gid_map", "setgroups", "attr/current", "attr/exec", "sched", "autogroup", "timerslack_ns",
        "make-it-fail", "task/1/mem"};
    static const char *const LINKS[] = {"exe", "cwd", "root", "ns/mnt", "ns/user"};
    char link[512];

    if (access("/proc/1", F_OK) < 0) REFUSED("see init at all", -1, ENOENT);
    for (size_t i = 0; i < sizeof READS / sizeof *READS; i++) {
        const char *path = text("/proc/1/%s", READS[i]);
        REFUSED(text("read %s", path), try_read(path), HIDDEN);
    }
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        const char *path = text("/proc/1/%s", FOLDERS[i]);
        REFUSED(text("list %s", path), try_open(path, O_RDONLY | O_DIRECTORY), HIDDEN);
    }
    for (size_t i = 0; i < sizeof LINKS / sizeof *LINKS; i++) {
        const char *path = text("/proc/1/%s", LINKS[i]);
        REFUSED(text("readlink %s", path), readlink(path, link, sizeof link), HIDDEN);
    }
    for (size_t i = 0; i < sizeof WRITES / sizeof *WRITES; i++) {
        const char *path = text("/proc/1/%s", WRITES[i]);
        REFUSED(text("write %s", path), try_write(path, "1"), NO_WRITE, EINVAL);
    }
    for (int fd = 0; fd < 32; fd++)
        REFUSED(text("open /proc/1/fd/%d", fd), try_open(text("/proc/1/fd/%d", fd), O_RDONLY), HIDDEN);
    REFUSED("open /proc/1/root/etc/passwd", try_open("/proc/1/root/etc/passwd", O_RDONLY), HIDDEN);
    REFUSED("open /proc/1/cwd/.", try_open("/proc/1/cwd/.", O_PATH), HIDDEN);
    return verdict();
}
