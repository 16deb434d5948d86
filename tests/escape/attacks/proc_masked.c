// attack: the host's memory, log, keys, timers and triggers in /proc (runc's masked paths, CVE-2025-31133)
// profile: default build
// expect: refused
//
// What is masked with /dev/null or an empty folder opens and has no content: that counts as refused.
#include "attack.h"

static int entries(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) return -1;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) count++;
    closedir(folder);
    if (count == 0) errno = ENOENT;
    return count ? count : -1;
}

int main(void)
{
    static const char *const FILES[] = {"kcore", "kmsg", "keys", "key-users", "timer_list", "sched_debug",
        "latency_stats", "kpagecount", "kpageflags", "kpagecgroup", "slabinfo", "vmallocinfo", "pagetypeinfo", "mtrr",
        "vmcore", "sysrq-trigger", "interrupts", "kallsyms"};
    static const char *const FOLDERS[] = {"acpi", "asound", "scsi"};
    static const char *const WRITES[] = {
        "sysrq-trigger", "kcore", "mtrr", "irq/default_smp_affinity", "irq/0/smp_affinity", "bus/pci/devices"};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        const char *path = text("/proc/%s", FILES[i]);
        // Nothing of a mask keeps addresses from being zeroed, which is what makes kallsyms harmless.
        char line[256] = "";
        if (strcmp(FILES[i], "kallsyms") == 0 && slurp(path, line, sizeof line) && *line) {
            HOLDS("kallsyms shows no addresses", strtoull(line, NULL, 16) == 0);
            continue;
        }
        REFUSED(text("read %s", path), try_read(path), HIDDEN, EIO, EAGAIN);
    }
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        REFUSED(text("list /proc/%s", FOLDERS[i]), entries(text("/proc/%s", FOLDERS[i])), HIDDEN);
    for (size_t i = 0; i < sizeof WRITES / sizeof *WRITES; i++) {
        const char *path = text("/proc/%s", WRITES[i]);
        REFUSED(text("open for writing %s", path), try_open(path, O_WRONLY), NO_WRITE, EISDIR, EINVAL);
    }
    return verdict();
}
