//! The texts of a job's view, in the kernel's forms: proc(5) and `Documentation/ABI/testing/sysfs-devices-system-cpu`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What changes while a job runs cannot be told by a file that does not, so it is nought: as if all were still free.
const NOUGHT: [&str; 38] = [
    "Buffers",
    "Cached",
    "SwapCached",
    "Active",
    "Inactive",
    "Active(anon)",
    "Inactive(anon)",
    "Active(file)",
    "Inactive(file)",
    "Unevictable",
    "Mlocked",
    "SwapTotal",
    "SwapFree",
    "Dirty",
    "Writeback",
    "AnonPages",
    "Mapped",
    "Shmem",
    "KReclaimable",
    "Slab",
    "SReclaimable",
    "SUnreclaim",
    "KernelStack",
    "PageTables",
    "NFS_Unstable",
    "Bounce",
    "WritebackTmp",
    "Committed_AS",
    "VmallocTotal",
    "VmallocUsed",
    "VmallocChunk",
    "Percpu",
    "AnonHugePages",
    "ShmemHugePages",
    "ShmemPmdMapped",
    "FileHugePages",
    "FilePmdMapped",
    "Hugetlb",
];

pub(super) fn meminfo(bytes: u64) -> String {
    let total = bytes / 1024;
    let mut text = String::with_capacity(2048);
    let full = ["MemTotal", "MemFree", "MemAvailable"].map(|name| (name, total));
    let rest = NOUGHT.map(|name| (name, 0));
    for (name, kib) in full.into_iter().chain(rest).chain([("CommitLimit", total)]) {
        let _ = writeln!(text, "{:<15} {kib:>8} kB", format!("{name}:"));
    }
    text
}

/// The kernel's own words about these processors, but for how many share a package.
pub(super) fn cpuinfo(all: &[(u16, String)], processors: &[u16]) -> String {
    let shown: Vec<&str> = all
        .iter()
        .filter(|(number, _)| processors.contains(number))
        .map(|(_, block)| block.as_str())
        .collect();
    let mut packages: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for block in &shown {
        let (threads, cores) = packages.entry(field(block, "physical id")).or_default();
        *threads += 1;
        cores.insert(field(block, "core id"));
    }
    let mut text = String::with_capacity(shown.iter().map(|block| block.len() + 8).sum());
    for block in shown {
        let (threads, cores) = &packages[field(block, "physical id")];
        for line in block.lines() {
            let _ = match line.split(':').next().map(str::trim_end) {
                Some("siblings") => writeln!(text, "siblings\t: {threads}"),
                Some("cpu cores") => writeln!(text, "cpu cores\t: {}", cores.len()),
                _ => writeln!(text, "{line}"),
            };
        }
        text.push('\n');
    }
    text
}

fn field<'a>(block: &'a str, name: &str) -> &'a str {
    let value = |line: &'a str| line.split_once(':').filter(|(key, _)| key.trim_end() == name);
    block.lines().find_map(value).map_or("", |(_, value)| value.trim())
}

/// No counter of the host: interrupts and context switches tell about its other users.
pub(super) fn stat(processors: &[u16], start: i64) -> String {
    let mut text = String::with_capacity(256);
    let _ = writeln!(text, "cpu  0 0 0 0 0 0 0 0 0 0");
    for number in processors {
        let _ = writeln!(text, "cpu{number} 0 0 0 0 0 0 0 0 0 0");
    }
    let _ = writeln!(text, "intr 0\nctxt 0\nbtime {start}\nprocesses 1\nprocs_running 1\nprocs_blocked 0");
    text.push_str("softirq 0 0 0 0 0 0 0 0 0 0 0\n");
    text
}

pub(super) const LOADAVG: &str = "0.00 0.00 0.00 1/1 1\n";

/// A list of ranges, as in cpuset(7): `0-2,5`. The numbers are in their order.
pub(super) fn list(processors: &[u16]) -> String {
    let mut text = String::new();
    for range in processors.chunk_by(|one, next| one + 1 == *next) {
        let comma = if text.is_empty() { "" } else { "," };
        let (first, last) = (range[0], range[range.len() - 1]);
        let _ = if first == last {
            write!(text, "{comma}{first}")
        } else {
            write!(text, "{comma}{first}-{last}")
        };
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
