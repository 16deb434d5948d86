// attack: opening places of the host, by name and by detours (CVE-2018-15664, go-judge #176)
// env: HOST_FILE
// expect: refused
//
// HOST_FILE is a world-readable file that the harness made on the host, outside what a job is shown.
#include "attack.h"

int main(void)
{
    static const char *const FOLDERS[] = {"/root", "/home", "/var", "/var/lib", "/var/log", "/srv", "/mnt", "/media",
        "/run", "/boot", "/opt", "/lost+found", "/.dockerenv", "/host", "/old", "/.old", "/oldroot",
        "/.oldroot", "/put_old", "/newroot", "/sys/block", "/sys/bus", "/sys/class", "/sys/devices/pci0000:00",
        "/sys/devices/virtual", "/sys/firmware", "/sys/kernel", "/sys/module", "/sys/power"};
    static const char *const FILES[] = {"/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/sudoers",
        "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/sshd_config", "/etc/machine-id", "/etc/fstab", "/etc/crontab",
        "/etc/subuid", "/etc/ssl/private", "/root/.bashrc", "/root/.ssh/authorized_keys"};
    static const char *const DETOURS[] = {"", "/proc/self/root", "/proc/self/cwd/..", "/proc/1/root", "/proc/1/cwd",
        "/proc/self/fd/0/..", "/dev/fd/../../..", "/tmp/../.."};
    const char *canary = given("HOST_FILE");
    // Empty mount points may exist; what must not is anything in them.
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        DIR *folder = opendir(FOLDERS[i]);
        int error = errno, count = 0;
        for (struct dirent *entry; folder && (entry = readdir(folder));)
            count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        if (folder)
            HOLDS(text("%s is empty", FOLDERS[i]), count == 0);
        else
            REFUSED(text("open %s", FOLDERS[i]), (errno = error, -1), HIDDEN);
    }
    // A tree of Stockade's own, with what runtimes size themselves by.
    DIR *sys = opendir("/sys");
    for (struct dirent *entry; sys && (entry = readdir(sys));)
        HOLDS(text("/sys/%s is the job's own", entry->d_name), entry->d_name[0] == '.'
            || strcmp(entry->d_name, "devices") == 0 || strcmp(entry->d_name, "fs") == 0);
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        REFUSED(text("read %s", FILES[i]), try_open(FILES[i], O_RDONLY), HIDDEN);
    for (size_t i = 0; i < sizeof DETOURS / sizeof *DETOURS; i++) {
        const char *path = text("%s%s", DETOURS[i], canary);
        REFUSED(text("read %s", path), try_open(path, O_RDONLY), HIDDEN, ENOTDIR);
    }
    if (symlink(canary, "link") < 0) broken("symlink");
    REFUSED("read it through a symlink", try_open("link", O_RDONLY), HIDDEN);
    return verdict();
}
