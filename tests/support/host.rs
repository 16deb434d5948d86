//! What is on the host: asked before and after, to see what a job left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Daemon, eventually, patient};

/// Sandboxes that the launcher holds ready, each a process and a group: they belong to no job.
const SPARES: usize = 2;

/// The launcher and its keeper.
const LAUNCHING: usize = 2;

/// What belongs to one daemon, and what all share. Scoped, because other daemons may run on this machine meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Those, but the daemon itself, below the daemon, in its cgroups, or with the cookie on their command line: `PID COMMAND`,
    /// and without the number for the launcher, its keeper and the inits, which come and go with the sandboxes made ahead.
    pub processes: Vec<String>,
    /// Without the numbers of the jobs' groups, for the same reason.
    pub cgroups: Vec<String>,
    /// Of the host's mount namespace.
    pub mounts: BTreeSet<String>,
    /// Entries of the temporary directory that are stockade's.
    pub temporary: BTreeSet<String>,
    pub daemon_descriptors: usize,
    pub launcher_descriptors: usize,
}

impl Snapshot {
    /// `cookie` stands on the command line of all that could stay behind, wherever it hides.
    pub fn of(daemon: &Daemon, cookie: &str) -> Self {
        let first = |pid: u32| children_of(pid).first().copied().unwrap_or(0);
        let launcher = first(first(daemon.pid()));
        Self {
            daemon_descriptors: descriptors(daemon.pid()).iter().filter(|path| !is_journal(path)).count(),
            launcher_descriptors: descriptors(launcher).len(),
            ..Self::after(daemon.pid(), cookie)
        }
    }

    /// Once no job runs any more: a job is answered before the last of it is cleared away. Still for a tenth of a second,
    /// because on a busy machine the launcher may stand still in the middle of making a sandbox ahead.
    pub fn idle(daemon: &Daemon, cookie: &str) -> Self {
        const TURNS: u32 = 20;
        let mut last = Self::of(daemon, cookie);
        let mut still = 0;
        eventually(Duration::from_secs(5), "the daemon is idle", || {
            let now = Self::of(daemon, cookie);
            let settled = now.processes.len() == LAUNCHING + SPARES && now == last;
            last = now.clone();
            still = if settled { still + 1 } else { 0 };
            (still >= TURNS).then_some(now)
        })
    }

    /// The same of a daemon that is no more.
    pub fn after(pid: u32, cookie: &str) -> Self {
        let group = format!("stockade-{pid}");
        Self {
            processes: processes(pid, &group, cookie),
            cgroups: groups(&group).iter().map(|path| unnumbered(path)).collect(),
            mounts: lines("/proc/self/mountinfo").filter(|line| line.contains("stockade")).collect(),
            temporary: temporary(),
            ..Self::default()
        }
    }
}

/// Waits until a `sleep` that was told this word runs; the pids of all such.
pub fn running(cookie: &str) -> Vec<u32> {
    eventually(Duration::from_secs(10), "a process of the job runs", || {
        let found = sleeping(cookie);
        (!found.is_empty()).then_some(found)
    })
}

/// By their own name too: a shell or a fork that has not yet become `sleep` has the word as well.
pub fn sleeping(cookie: &str) -> Vec<u32> {
    let told = |pid: &u32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let named = lines(&format!("/proc/{pid}/comm")).next().as_deref() == Some("sleep");
        named && command.split(|byte| *byte == 0).any(|word| word == cookie.as_bytes())
    };
    pids().filter(told).collect()
}

/// Asks until nothing differs from `before`; what still does after five seconds is shown.
pub fn same_again(before: &Snapshot, mut now: impl FnMut() -> Snapshot) {
    let mut last = Snapshot::default();
    let start = std::time::Instant::now();
    while start.elapsed() < patient(Duration::from_secs(5)) {
        last = now();
        if last == *before {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let new =
        |now: &BTreeSet<String>, old: &BTreeSet<String>| now.difference(old).cloned().collect::<Vec<_>>();
    let more = |now: &[String], old: &[String]| {
        let mut rest = now.to_vec();
        for one in old {
            if let Some(place) = rest.iter().position(|other| other == one) {
                rest.remove(place);
            }
        }
        rest
    };
    panic!(
        "left behind: processes {:?}, cgroups {:?}, mounts {:?}, temporary {:?}; descriptors of the daemon {} -> {}, \
         of the launcher {} -> {}; gone: {:?}",
        more(&last.processes, &before.processes),
        more(&last.cgroups, &before.cgroups),
        new(&last.mounts, &before.mounts),
        new(&last.temporary, &before.temporary),
        before.daemon_descriptors,
        last.daemon_descriptors,
        before.launcher_descriptors,
        last.launcher_descriptors,
        more(&before.processes, &last.processes),
    );
}

fn processes(daemon: u32, group: &str, cookie: &str) -> Vec<String> {
    let own = std::process::id();
    let mut found = Vec::new();
    for pid in pids().filter(|pid| *pid != own && *pid != daemon) {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let below = is_below(pid, daemon);
        if below
            || lines(&format!("/proc/{pid}/cgroup")).any(|line| in_group(&line, group))
            || command.contains(cookie)
        {
            found.push(if command.starts_with("@launcher") { command } else { format!("{pid} {command}") });
        }
    }
    found.sort();
    found
}

fn in_group(line: &str, group: &str) -> bool {
    line.split('/').any(|part| part == group)
}

fn is_below(pid: u32, ancestor: u32) -> bool {
    let mut at = pid;
    while let Some(parent) = status_of(at, "PPid").and_then(|text| text.parse().ok()) {
        if parent == ancestor {
            return true;
        }
        at = parent;
    }
    false
}

pub fn alive(pid: u32) -> bool {
    // A zombie is no more than an exit status.
    status_of(pid, "State").is_some_and(|state| !state.starts_with('Z'))
}

/// One line of `/proc/PID/status`.
pub fn status_of(pid: u32, name: &str) -> Option<String> {
    let line = lines(&format!("/proc/{pid}/status")).find(|line| line.split(':').next() == Some(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

pub fn children_of(pid: u32) -> Vec<u32> {
    let parent = pid.to_string();
    pids().filter(|child| status_of(*child, "PPid").as_ref() == Some(&parent)).collect()
}

/// The journal keeps up to 8 connections to read by, and opens another when two reads meet: neither a job's, nor a leak.
fn is_journal(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("journal.sqlite3"))
}

pub fn descriptors(pid: u32) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    entries.filter_map(|entry| fs::read_link(entry.path()).ok()).collect()
}

pub fn rss_kib(pid: u32) -> u64 {
    let text = status_of(pid, "VmRSS").unwrap_or_default();
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Where a process stands, one line for each hierarchy.
pub fn cgroup_of(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default()
}

/// Directories of the cgroup trees below one of this name, itself included.
pub fn cgroup_groups(name: &str) -> BTreeSet<String> {
    groups(name)
}

fn groups(name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(Path::new("/sys/fs/cgroup"), name, false, &mut found);
    found
}

fn unnumbered(path: &str) -> String {
    let plain = path.split('/').map(|part| if part.starts_with("job-") { "job" } else { part });
    plain.collect::<Vec<_>>().join("/")
}

fn walk(folder: &Path, name: &str, within: bool, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let within = within || entry.file_name().to_str() == Some(name);
            if within {
                found.insert(entry.path().display().to_string());
            }
            walk(&entry.path(), name, within, found);
        }
    }
}

fn temporary() -> BTreeSet<String> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("stockade")).collect()
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn lines(path: &str) -> impl Iterator<Item = String> + use<> {
    fs::read_to_string(path).unwrap_or_default().lines().map(String::from).collect::<Vec<_>>().into_iter()
}
