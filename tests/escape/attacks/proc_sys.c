// attack: writing kernel settings through /proc/sys, core_pattern above all (CVE-2022-0811, CVE-2025-52881)
// profile: default build
// expect: refused
//
// Opening for writing is proof enough; nothing is written. ENOENT is accepted: a strict /proc has no sys at all.
#include "attack.h"

int main(void)
{
    static const char *const SETTINGS[] = {
        "kernel/core_pattern",
        "kernel/core_uses_pid",
        "kernel/modprobe",
        "kernel/hotplug",
        "kernel/poweroff_cmd",
        "kernel/sysrq",
        "kernel/hostname",
        "kernel/domainname",
        "kernel/panic",
        "kernel/pid_max",
        "kernel/threads-max",
        "kernel/ns_last_pid",
        "kernel/randomize_va_space",
        "kernel/kptr_restrict",
        "kernel/dmesg_restrict",
        "kernel/perf_event_paranoid",
        "kernel/unprivileged_bpf_disabled",
        "kernel/yama/ptrace_scope",
        "kernel/cap_last_cap",
        "kernel/keys/maxkeys",
        "kernel/shmmax",
        "kernel/shm_rmid_forced",
        "kernel/msgmax",
        "kernel/sem",
        "kernel/sched_autogroup_enabled",
        "fs/suid_dumpable",
        "fs/file-max",
        "fs/protected_symlinks",
        "fs/protected_hardlinks",
        "fs/pipe-max-size",
        "fs/mqueue/queues_max",
        "fs/binfmt_misc/register",
        "fs/inotify/max_user_watches",
        "vm/overcommit_memory",
        "vm/drop_caches",
        "vm/mmap_min_addr",
        "vm/panic_on_oom",
        "vm/swappiness",
        "vm/unprivileged_userfaultfd",
        "net/ipv4/ip_forward",
        "net/ipv4/ping_group_range",
        "net/ipv4/ip_unprivileged_port_start",
        "net/ipv4/conf/all/forwarding",
        "net/ipv6/conf/all/forwarding",
        "net/core/somaxconn",
        "net/unix/max_dgram_qlen",
        "user/max_user_namespaces",
        "user/max_mnt_namespaces",
        "user/max_net_namespaces",
        "user/max_pid_namespaces",
        "dev/tty/legacy_tiocsti",
        "dev/cdrom/autoeject",
        "abi/vsyscall32",
    };
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++) {
        const char *path = text("/proc/sys/%s", SETTINGS[i]);
        REFUSED(text("open %s", path), try_open(path, O_WRONLY), NO_WRITE);
    }
    REFUSED("create in /proc/sys", try_open("/proc/sys/mine", O_WRONLY | O_CREAT), NO_WRITE);
    REFUSED("chmod core_pattern", chmod("/proc/sys/kernel/core_pattern", 0666), NO_WRITE);
    return verdict();
}
