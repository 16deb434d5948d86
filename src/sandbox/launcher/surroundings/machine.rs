//! What jobs' views of the machine are made from, read once at start.

#![expect(clippy::disallowed_methods, reason = "before any job exists, on the kernel's own files")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use super::{Bind, c_path};
use crate::cgroup::{Delegation, Shown, ShownKind};
use crate::init::{mounts, time};
use crate::sys::{ATTR_NODEV, ATTR_NOEXEC, ATTR_NOSUID, ATTR_RDONLY};

#[derive(Debug)]
pub(crate) struct Machine {
    /// The numbers of those that this process may use, in their order.
    pub(crate) processors: Vec<u16>,
    /// What `/proc/cpuinfo` says of each.
    pub(crate) cpuinfo: Vec<(u16, String)>,
    pub(crate) memory_bytes: u64,
    /// Whether sandboxes get a time namespace.
    pub(crate) time: bool,
    /// Hierarchies of which jobs see their own groups. The directories that those are made in are attached below
    /// `/cgroups`.
    pub(crate) cgroups: Vec<Shown>,
    /// Files of `/sys/devices/system/cpu` that are the same for all jobs.
    tables: Vec<(&'static str, String)>,
}

/// Programs make tables of this size and index them by getcpu(2), which says the true number of the processor that they
/// run on: so it is the machine's.
const TABLES: [&str; 2] = ["possible", "kernel_max"];
const HOST_PROCESSORS: &str = "/sys/devices/system/cpu";
const PROCESSORS: &str = "/host/sys/devices/system/cpu";
/// Covered in each sandbox with its own (`init/view.rs`).
const COVERED: [&str; 2] = ["online", "present"];

impl Machine {
    pub(super) fn read(delegation: Option<&Delegation>) -> io::Result<Self> {
        let cpuinfo = blocks(&fs::read_to_string("/proc/cpuinfo")?);
        let table = |name| Some((name, fs::read_to_string(Path::new(HOST_PROCESSORS).join(name)).ok()?));
        Ok(Self {
            processors: usable().unwrap_or_else(|| cpuinfo.iter().map(|(number, _)| *number).collect()),
            cpuinfo,
            memory_bytes: total(&fs::read_to_string("/proc/meminfo")?).ok_or(io::ErrorKind::InvalidData)?,
            time: time::works(),
            cgroups: delegation.map(Delegation::shown).unwrap_or_default(),
            tables: TABLES.into_iter().filter_map(table).collect(),
        })
    }

    /// Where the jobs' groups are made. Read-only from the start: the launcher changes groups by descriptors of another
    /// mount.
    pub(super) fn cgroups(&self) -> io::Result<Vec<Bind>> {
        let groups = self.cgroups.iter().filter(|shown| shown.kind != ShownKind::Placeholder);
        groups.map(|shown| take(shown, Path::new("/cgroups").join(&shown.name))).collect()
    }

    /// The same in every job.
    pub(super) fn placeholders(&self) -> io::Result<Vec<Bind>> {
        let files = self.cgroups.iter().filter(|shown| shown.kind == ShownKind::Placeholder);
        let place = |shown: &Shown| {
            let file = shown.source.file_name().unwrap_or_default();
            Path::new("sys/fs/cgroup").join(&shown.name).join(file)
        };
        files.map(|shown| take(shown, place(shown))).collect()
    }

    /// The part of `/sys` that is the same for all jobs, and the places for what is not.
    pub(super) fn write_sys(&self) -> io::Result<()> {
        let place = Path::new(PROCESSORS);
        for (number, _) in &self.cpuinfo {
            fs::create_dir_all(place.join(format!("cpu{number}")))?;
        }
        fs::create_dir_all(place)?;
        self.tables.iter().try_for_each(|(name, text)| fs::write(place.join(name), text))?;
        COVERED.iter().try_for_each(|name| fs::write(place.join(name), ""))?;
        let place = Path::new("/host/sys/fs/cgroup");
        fs::create_dir_all(place)?;
        for shown in self.cgroups.iter().filter(|shown| shown.kind != ShownKind::V2) {
            fs::create_dir(place.join(&shown.name))?;
            for link in &shown.links {
                std::os::unix::fs::symlink(&shown.name, place.join(link))?;
            }
        }
        Ok(())
    }
}

fn take(shown: &Shown, target: PathBuf) -> io::Result<Bind> {
    let attributes = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC;
    let mount = mounts::bind(AT_FDCWD, &c_path(&shown.source)?, attributes)?;
    Ok(Bind { target, directory: shown.kind != ShownKind::Placeholder, mount })
}

/// sched(7): what the daemon was confined to, its jobs are too.
fn usable() -> Option<Vec<u16>> {
    let set = sched_getaffinity(Pid::from_raw(0)).ok()?;
    let all = (0..u16::MAX).take(CpuSet::count());
    Some(all.filter(|number| set.is_set(usize::from(*number)).unwrap_or(false)).collect())
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// One for each processor, whose first line is its number.
fn blocks(cpuinfo: &str) -> Vec<(u16, String)> {
    let numbered = |block: &str| {
        let (name, number) = block.lines().next()?.split_once(':')?;
        let number = number.trim().parse().ok().filter(|_| name.trim() == "processor")?;
        Some((number, block.trim_end().to_owned()))
    };
    cpuinfo.split("\n\n").filter_map(numbered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_understood() {
        let text = "processor\t: 0\nflags\t\t: a b\n\nprocessor\t: 12\nflags\t\t: a\n\nHardware\t: X\n";
        let expected = [(0, "processor\t: 0\nflags\t\t: a b"), (12, "processor\t: 12\nflags\t\t: a")];
        assert_eq!(blocks(text), expected.map(|(number, block)| (number, block.to_owned())));
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       24684084 kB\n"), Some(24_684_084 * 1024));
        assert_eq!(total("MemTotal: much\n"), None);
    }

    #[test]
    fn this_machine_has_processors_and_memory() {
        let machine = Machine::read(None).expect("the kernel's files");
        assert!(!machine.processors.is_empty() && machine.memory_bytes > 0);
        assert!(machine.processors.iter().all(|number| machine.cpuinfo.iter().any(|(n, _)| n == number)));
    }
}
