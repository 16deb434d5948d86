//! The kernel's counters, in the words of either version.

use std::{io, os::fd::BorrowedFd};

use model::GroupUsage;
use nix::{sys::uio::pread, unistd::read};

use super::{dir, find::Controller};

const NS_PER_US: u64 = 1000;

/// Longer than any of the files read here: `cpu.stat`, the longest, has about 250 bytes.
#[derive(Debug)]
pub(super) struct Buffer([u8; 1024]);

impl Buffer {
    pub(super) fn new() -> Self {
        Self([0; 1024])
    }

    /// Empty when the file is missing: this host cannot count it.
    fn text(&mut self, at: BorrowedFd<'_>, file: &str) -> &str {
        let length = dir::open_read(at, file).and_then(|fd| read(fd, &mut self.0)).unwrap_or(0);
        str::from_utf8(&self.0[..length]).unwrap_or_default()
    }

    fn field(&mut self, at: BorrowedFd<'_>, file: &str, key: &str) -> Option<u64> {
        field(self.text(at, file), key)
    }

    fn number(&mut self, at: BorrowedFd<'_>, file: &str) -> Option<u64> {
        number(self.text(at, file))
    }
}

pub(super) fn read_v2(
    at: BorrowedFd<'_>,
    controllers: &[Controller],
    buffer: &mut Buffer,
    usage: &mut GroupUsage,
) {
    // CPU time is counted without the cpu controller too, throttling is not.
    let stat = buffer.text(at, "cpu.stat");
    usage.cpu_us = field(stat, "usage_usec");
    usage.user_us = field(stat, "user_usec");
    usage.system_us = field(stat, "system_usec");
    usage.throttled_us = field(stat, "throttled_usec");
    if controllers.contains(&Controller::Memory) {
        usage.memory_peak_bytes = buffer.number(at, "memory.peak");
        usage.oom_kills = buffer.field(at, "memory.events", "oom_kill");
    }
    if controllers.contains(&Controller::Pids) {
        read_pids(at, buffer, usage);
    }
}

pub(super) fn read_v1(
    at: BorrowedFd<'_>,
    controllers: &[Controller],
    buffer: &mut Buffer,
    usage: &mut GroupUsage,
) {
    for controller in controllers {
        match controller {
            Controller::Memory => {
                usage.memory_peak_bytes = buffer.number(at, "memory.max_usage_in_bytes");
                usage.oom_kills = buffer.field(at, "memory.oom_control", "oom_kill");
            }
            Controller::Pids => read_pids(at, buffer, usage),
            Controller::Cpu => {
                usage.throttled_us = buffer.field(at, "cpu.stat", "throttled_time").map(|ns| ns / NS_PER_US);
            }
            Controller::Cpuacct => {
                let mut us = |file| buffer.number(at, file).map(|ns| ns / NS_PER_US);
                usage.cpu_us = us("cpuacct.usage");
                usage.user_us = us("cpuacct.usage_user");
                usage.system_us = us("cpuacct.usage_sys");
            }
            Controller::Freezer => {}
        }
    }
}

/// The same files in both versions; the peak is there since kernel 6.1.
fn read_pids(at: BorrowedFd<'_>, buffer: &mut Buffer, usage: &mut GroupUsage) {
    usage.pids_peak = buffer.number(at, "pids.peak");
    usage.pids_refused = buffer.field(at, "pids.events", "max");
}

/// CPU time so far in microseconds, from an open `cpu.stat` (v2) or `cpuacct.usage` (v1).
pub fn cpu_usage_us(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let mut buffer = Buffer::new();
    let length = pread(fd, &mut buffer.0, 0)?;
    let text = str::from_utf8(&buffer.0[..length]).unwrap_or_default();
    field(text, "usage_usec")
        .or_else(|| number(text).map(|ns| ns / NS_PER_US))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no CPU time in the file"))
}

fn field(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{field, number};

    #[test]
    fn only_the_whole_key_matches() {
        let events = "low 0\noom 3\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(field(events, "oom_kill"), Some(2));
        assert_eq!(field(events, "kill"), None);
        assert_eq!((number("42\n"), number("max\n")), (Some(42), None));
    }
}
