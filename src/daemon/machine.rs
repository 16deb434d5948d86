//! The most a job may get on this machine where the operator says nothing.

use std::{fs, thread};

use model::Limits;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::sysinfo::sysinfo;

const HOUR_MS: u64 = 3_600_000;
/// Where a container's own memory limit shows; on a host's root these are absent or above its memory.
const MEMORY_LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) memory_bytes: u64,
    pub(crate) cpus: u32,
    /// Hard limits of this process: a job's cannot be set higher without a privilege on the host.
    pub(crate) open_files: u64,
    pub(crate) stack_bytes: u64,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let physical = sysinfo().map_or(Limits::defaults().memory_bytes, |info| info.ram_total());
        let limits =
            MEMORY_LIMITS.iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
        let hard = |resource| getrlimit(resource).map_or(u64::MAX, |(_, hard)| hard);
        Self {
            memory_bytes: limits.fold(physical, u64::min),
            cpus: thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
            open_files: hard(Resource::RLIMIT_NOFILE),
            stack_bytes: hard(Resource::RLIMIT_STACK),
        }
    }

    pub(crate) fn caps(&self) -> Limits {
        Limits {
            cpu_time_ms: HOUR_MS * u64::from(self.cpus),
            wall_time_ms: HOUR_MS,
            memory_bytes: self.memory_bytes,
            pids: 4096,
            // Held in the daemon's memory, for stdout and for stderr of every running step.
            output_bytes: 64 << 20,
            // A job's files live in memory.
            disk_bytes: self.memory_bytes,
            open_files: self.open_files.min(1 << 20),
            file_bytes: self.memory_bytes,
            stack_bytes: self.stack_bytes.min(1 << 30),
            cpus: f64::from(self.cpus),
        }
    }

    pub(crate) fn max_running(&self) -> usize {
        usize::try_from(self.cpus).unwrap_or(1).max(2)
    }
}
