// attack: overwriting or running the runtime's own binary through /proc/PID/exe (CVE-2019-5736)
// profile: default build
// expect: refused
//
// The harness compares the SHA-256 of the daemon's binary before and after.
#include "attack.h"

int main(void)
{
    REFUSED("open /proc/1/exe", try_open("/proc/1/exe", O_RDONLY), HIDDEN);
    REFUSED("open /proc/1/exe O_PATH", try_open("/proc/1/exe", O_PATH), HIDDEN);
    REFUSED("open /proc/1/exe for writing", try_open("/proc/1/exe", O_WRONLY), HIDDEN);
    REFUSED("open /proc/1/exe read-write", try_open("/proc/1/exe", O_RDWR), HIDDEN);
    REFUSED("truncate /proc/1/exe", truncate("/proc/1/exe", 0), HIDDEN);
    REFUSED("exec /proc/1/exe", execl("/proc/1/exe", "x", "--version", NULL), HIDDEN);
    REFUSED("link /proc/1/exe", linkat(AT_FDCWD, "/proc/1/exe", AT_FDCWD, "copy", AT_SYMLINK_FOLLOW), EACCES, EPERM,
        EXDEV, ENOENT);

    // Every other process there is: none may be the runtime with its binary open to us.
    DIR *proc = opendir("/proc");
    if (!proc) broken("no /proc");
    for (struct dirent *entry; (entry = readdir(proc));) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && pid != getpid())
            REFUSED(text("open /proc/%d/exe read-write", pid), try_open(text("/proc/%d/exe", pid), O_RDWR), EACCES,
                EPERM, ENOENT);
    }
    closedir(proc);
    REFUSED("write own running binary", try_open("/proc/self/exe", O_RDWR), ETXTBSY);
    return verdict();
}
