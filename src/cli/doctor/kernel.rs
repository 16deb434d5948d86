//! What the kernel was built and booted with, and what its administrator switched off.

use jiff::Timestamp;
use nix::sys::utsname::uname;

use super::report::Check;

/// The oldest with `cgroup.kill`, and the one of RHEL 9.
const OLDEST: (u32, u32) = (5, 14);
/// 2026-01-01: before this program was written.
const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);

pub(crate) fn version() -> Check {
    match uname() {
        Ok(name) => version_of(&name.release().to_string_lossy(), &name.machine().to_string_lossy()),
        Err(errno) => Check::caution("kernel", format!("uname: {errno}"), "none known"),
    }
}

fn version_of(release: &str, machine: &str) -> Check {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let detail = format!("{release} ({machine})");
    if version >= OLDEST {
        Check::pass("kernel", detail)
    } else {
        let remedy = format!("use kernel {}.{} or newer; older ones are not tested", OLDEST.0, OLDEST.1);
        Check::caution("kernel", detail, remedy)
    }
}

/// The switches that turn user namespaces off. Root needs none of the permissions but is bound by the number.
pub(crate) fn user_namespaces(root: bool, read: &dyn Fn(&str) -> Option<String>) -> Check {
    const NAME: &str = "user_namespaces";
    let switch = |path: &str| read(path).map(|text| text.trim().to_owned());
    let Some(most) = switch("/proc/sys/user/max_user_namespaces") else {
        let remedy = "use a kernel with CONFIG_USER_NS=y";
        return Check::fail(NAME, "this kernel has none", remedy);
    };
    if most == "0" {
        return Check::fail(
            NAME,
            "user.max_user_namespaces is 0",
            "sudo sysctl -w user.max_user_namespaces=15000",
        );
    }
    if !root && switch("/proc/sys/kernel/unprivileged_userns_clone").as_deref() == Some("0") {
        let remedy = "sudo sysctl -w kernel.unprivileged_userns_clone=1";
        return Check::fail(NAME, "kernel.unprivileged_userns_clone is 0", remedy);
    }
    let restricted = switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1");
    // A program with a profile of its own (`stockade (unconfined)`) is exempt; one without is just `unconfined`.
    let label = switch("/proc/self/attr/apparmor/current").or_else(|| switch("/proc/self/attr/current"));
    if !root && restricted && label.as_deref().is_none_or(|label| label == "unconfined") {
        return Check::fail(
            NAME,
            "AppArmor gives them no rights (Ubuntu 23.10 and later)",
            apparmor_remedy(),
        );
    }
    Check::pass(NAME, format!("at most {most}"))
}

fn apparmor_remedy() -> String {
    let program = std::env::current_exe()
        .map_or_else(|_| "/usr/bin/stockade".into(), |path| path.display().to_string());
    format!(
        "give this program a profile, as root:\n\
         echo 'abi <abi/4.0>, profile stockade {program} flags=(unconfined) {{ userns, }}' \
         >/etc/apparmor.d/stockade && apparmor_parser -r /etc/apparmor.d/stockade"
    )
}

/// The kernel lets a user namespace mount a `/proc` only where the one it can see is not covered anywhere
/// (`mount_too_revealing` in fs/namespace.c).
pub(crate) fn proc_mount(mountinfo: &str) -> Check {
    const NAME: &str = "proc";
    // Mount points that are there to be mounted on hide nothing.
    const HARMLESS: [&str; 2] = ["/proc/sys/fs/binfmt_misc", "/proc/fs/nfsd"];
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    let mut covered: Vec<_> =
        points.clone().filter(|point| point.starts_with("/proc/") && !HARMLESS.contains(point)).collect();
    covered.dedup();
    if !points.clone().any(|point| point == "/proc") {
        return Check::fail(NAME, "nothing is mounted at /proc", "mount -t proc proc /proc");
    }
    let Some(first) = covered.first() else { return Check::pass(NAME, "fully visible") };
    let detail =
        format!("{} mounts cover parts of /proc ({first} is one): jobs cannot get their own", covered.len());
    let remedy = "in Docker, start this container with `--security-opt systempaths=unconfined`; in Kubernetes, set \
                  `procMount: Unmasked`";
    Check::fail(NAME, detail, remedy)
}

/// A caller in a chroot(2) gets no user namespace (unshare(2), EPERM). Mounts are told as they are seen from the root: where
/// none is at `/`, the root is no mount. One that was changed to a mount's own root cannot be told from others.
pub(crate) fn chroot(mountinfo: &str) -> Check {
    if mountinfo.is_empty() || mountinfo.lines().any(|line| line.split(' ').nth(4) == Some("/")) {
        return Check::pass("root", "not known to be changed by chroot");
    }
    let remedy = "start Stockade outside of the chroot, or enter that root by pivot_root(2), as `bwrap` and `unshare --root` \
                  after `mount --bind` do";
    Check::fail("root", "this process is in a chroot: it gets no user namespaces", remedy)
}

/// Whether somebody's filter is on this process: a container's, as a rule. What it refuses only trying tells.
pub(crate) fn filtered(status: &str) -> bool {
    status.lines().filter_map(|line| line.strip_prefix("Seccomp:")).any(|mode| mode.trim() == "2")
}

pub(crate) fn seccomp(actions: &str) -> Check {
    const NEEDED: [&str; 3] = ["kill_process", "errno", "allow"];
    let missing: Vec<_> =
        NEEDED.into_iter().filter(|need| !actions.split_whitespace().any(|has| has == *need)).collect();
    if missing.is_empty() {
        Check::pass("seccomp", "filters with kill_process and errno")
    } else {
        let detail = format!("no action {}", missing.join(", "));
        Check::fail("seccomp", detail, "use a kernel with CONFIG_SECCOMP_FILTER=y (4.14 or newer)")
    }
}

/// Not needed for the `host` image.
pub(crate) fn overlay(filesystems: &str) -> Check {
    if filesystems.lines().any(|line| line.trim_start_matches("nodev").trim() == "overlay") {
        Check::pass("overlay", "available")
    } else {
        Check::caution("overlay", "not loaded: images other than `host` cannot run", "sudo modprobe overlay")
    }
}

/// Limits are as exact as the clock: reading one that is not in the processor costs a microsecond and more.
pub(crate) fn clock(source: &str) -> Check {
    const SLOW: [&str; 4] = ["acpi_pm", "hpet", "jiffies", "refined-jiffies"];
    let source = source.trim();
    if Timestamp::now() < EARLIEST {
        let remedy = "set it, as by `timedatectl set-ntp true`";
        return Check::caution(
            "clock",
            "the system's date is in the past: times of jobs will be wrong",
            remedy,
        );
    }
    if SLOW.contains(&source) {
        let remedy = "find out why the kernel dropped `tsc` (`dmesg | grep -i clocksource`)";
        return Check::caution("clock", format!("`{source}` is slow to read"), remedy);
    }
    Check::pass("clock", if source.is_empty() { "source unknown" } else { source })
}

#[cfg(test)]
mod tests {
    use super::super::report::Status;
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        for release in ["5.14.0-503.el9.x86_64", "6.1.0-13-amd64", "10.0"] {
            assert_eq!(version_of(release, "x86_64").status, Status::Pass, "{release}");
        }
        for release in ["5.4.0-generic", "4.18.0", "5.9", "strange"] {
            assert_eq!(version_of(release, "x86_64").status, Status::Caution, "{release}");
        }
    }

    fn namespaces(root: bool, files: &[(&str, &str)]) -> Check {
        user_namespaces(root, &|path| {
            files.iter().find(|(name, _)| path.ends_with(name)).map(|(_, text)| format!("{text}\n"))
        })
    }

    #[test]
    fn each_switch_is_named() {
        let on = ("max_user_namespaces", "100");
        assert_eq!(namespaces(false, &[on]).status, Status::Pass);
        assert_eq!(namespaces(true, &[]).status, Status::Fail);
        assert_eq!(namespaces(true, &[("max_user_namespaces", "0")]).status, Status::Fail);
        let debian = [on, ("unprivileged_userns_clone", "0")];
        assert!(namespaces(false, &debian).detail.contains("unprivileged_userns_clone"));
        assert_eq!(namespaces(true, &debian).status, Status::Pass, "root needs no permission");
    }

    #[test]
    fn apparmor_spares_a_program_with_a_profile() {
        let restricted = [("max_user_namespaces", "9"), ("apparmor_restrict_unprivileged_userns", "1")];
        let with = |label| [restricted[0], restricted[1], ("attr/apparmor/current", label)];
        assert_eq!(namespaces(false, &restricted).status, Status::Fail);
        assert_eq!(namespaces(false, &with("unconfined")).status, Status::Fail);
        assert_eq!(namespaces(false, &with("stockade (unconfined)")).status, Status::Pass);
        assert_eq!(namespaces(true, &with("unconfined")).status, Status::Pass);
    }

    #[test]
    fn a_covered_proc_is_found() {
        let plain =
            "22 27 0:21 / /proc rw - proc proc rw\n23 22 0:9 / /proc/sys/fs/binfmt_misc rw - autofs a rw\n";
        assert_eq!(proc_mount(plain).status, Status::Pass);
        let masked = format!("{plain}24 22 0:6 /null /proc/kcore rw - devtmpfs d rw\n");
        assert!(proc_mount(&masked).detail.contains("/proc/kcore"));
        assert_eq!(proc_mount("27 1 254:0 / / rw - ext4 /dev/vda rw\n").status, Status::Fail);
    }

    #[test]
    fn a_root_that_is_no_mount_is_a_chroot() {
        assert_eq!(chroot("27 1 254:0 / / rw - ext4 /dev/vda rw\n").status, Status::Pass);
        assert_eq!(chroot("30 27 0:21 / /proc rw - proc proc rw\n").status, Status::Fail);
    }

    #[test]
    fn a_filter_is_seen() {
        assert!(filtered("NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n"));
        assert!(!filtered("Seccomp:\t0\nSeccomp_filters:\t0\n"));
    }

    #[test]
    fn words_are_matched_whole() {
        assert_eq!(seccomp("kill_process kill_thread trap errno allow\n").status, Status::Pass);
        assert!(seccomp("kill_thread errno allow\n").detail.contains("kill_process"));
        assert_eq!(seccomp("").status, Status::Fail);
        assert_eq!(overlay("nodev\tproc\nnodev\toverlay\n\text4\n").status, Status::Pass);
        assert_eq!(overlay("nodev\tproc\n").status, Status::Caution);
        assert_eq!((clock("tsc\n").status, clock("hpet\n").status), (Status::Pass, Status::Caution));
    }
}
