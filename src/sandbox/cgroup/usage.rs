//! What a step used, read from its groups when it ended.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use model::GroupUsage;
use nix::{sys::uio::pread, unistd::read};

use super::{dir, find::Controller};

/// The directories of one step, one per hierarchy. Inherited by the sandbox's init, which reads with the job's uid.
#[derive(Debug)]
pub struct LeafStats {
    pub(super) v2: Option<OwnedFd>,
    /// What the v2 directory can count beside CPU time.
    pub(super) v2_controllers: Vec<Controller>,
    pub(super) v1: Vec<(Vec<Controller>, OwnedFd)>,
}

/// Longer than any of the files read here: `cpu.stat`, the longest, has about 250 bytes.
type Buffer = [u8; 1024];

impl LeafStats {
    /// For a process that closes all others.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.v2.iter().chain(self.v1.iter().map(|(_, group)| group)).map(AsRawFd::as_raw_fd)
    }

    /// Never fails: what cannot be read is `None`.
    pub fn read(&self) -> GroupUsage {
        let mut usage = GroupUsage::default();
        let mut buffer: Buffer = [0; 1024];
        for (controllers, group) in &self.v1 {
            for controller in controllers {
                read_v1(group.as_fd(), *controller, &mut buffer, &mut usage);
            }
        }
        if let Some(group) = &self.v2 {
            self.read_v2(group.as_fd(), &mut buffer, &mut usage);
        }
        usage
    }

    fn read_v2(&self, at: BorrowedFd<'_>, buffer: &mut Buffer, usage: &mut GroupUsage) {
        let stat = text(at, "cpu.stat", buffer);
        usage.cpu_us = field(stat, "usage_usec");
        usage.user_us = field(stat, "user_usec");
        usage.system_us = field(stat, "system_usec");
        // Beside v1 controllers the v2 group has no cpu limit, hence no such line.
        usage.throttled_us = field(stat, "throttled_usec").or(usage.throttled_us);
        if self.v2_controllers.contains(&Controller::Memory) {
            usage.memory_peak_bytes = number(text(at, "memory.peak", buffer));
            usage.oom_kills = field(text(at, "memory.events", buffer), "oom_kill");
        }
        if self.v2_controllers.contains(&Controller::Pids) {
            read_pids(at, buffer, usage);
        }
    }
}

fn read_v1(at: BorrowedFd<'_>, controller: Controller, buffer: &mut Buffer, usage: &mut GroupUsage) {
    const NS_PER_US: u64 = 1000;
    match controller {
        Controller::Memory => {
            usage.memory_peak_bytes = number(text(at, "memory.max_usage_in_bytes", buffer));
            usage.oom_kills = field(text(at, "memory.oom_control", buffer), "oom_kill");
        }
        Controller::Pids => read_pids(at, buffer, usage),
        Controller::Cpu => {
            usage.throttled_us =
                field(text(at, "cpu.stat", buffer), "throttled_time").map(|ns| ns / NS_PER_US);
        }
        Controller::Cpuacct => {
            let mut us = |file| number(text(at, file, buffer)).map(|ns| ns / NS_PER_US);
            usage.cpu_us = us("cpuacct.usage");
            usage.user_us = us("cpuacct.usage_user");
            usage.system_us = us("cpuacct.usage_sys");
        }
        Controller::Freezer => {}
    }
}

/// The same files on v1 and v2; the peak is there since kernel 6.1 (v1: 6.13).
fn read_pids(at: BorrowedFd<'_>, buffer: &mut Buffer, usage: &mut GroupUsage) {
    usage.pids_peak = number(text(at, "pids.peak", buffer));
    usage.pids_refused = field(text(at, "pids.events", buffer), "max");
}

/// CPU time so far in microseconds, from an open `cpu.stat` (v2) or `cpuacct.usage` (v1).
pub fn cpu_usage_us(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let mut buffer: Buffer = [0; 1024];
    let length = pread(fd, &mut buffer, 0)?;
    let text = str::from_utf8(&buffer[..length]).unwrap_or_default();
    field(text, "usage_usec")
        .or_else(|| number(text).map(|ns| ns / 1000))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no CPU time in the file"))
}

/// Empty when the file is missing: the host cannot count it.
fn text<'b>(at: BorrowedFd<'_>, file: &str, buffer: &'b mut Buffer) -> &'b str {
    let length = dir::open_read(at, file).and_then(|fd| read(fd, buffer)).unwrap_or(0);
    str::from_utf8(&buffer[..length]).unwrap_or_default()
}

fn field(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}
