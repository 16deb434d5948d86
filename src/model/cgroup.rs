use serde::{Deserialize, Serialize};

/// What a cgroup holds its processes to. `None` leaves that knob at the kernel's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CgroupLimits {
    /// `memory.max`; swap is always 0.
    pub memory_bytes: Option<u64>,
    /// `pids.max`.
    pub pids: Option<u64>,
    /// `cpu.max`, in CPUs (1.5 is 150 ms in every 100 ms).
    pub cpus: Option<f64>,
    /// `cpu.weight`, 1 to 10000, default 100.
    pub cpu_weight: Option<u64>,
}

/// What a cgroup counted over its life. A figure its controller could not give is `None`, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupUsage {
    pub cpu_us: Option<u64>,
    pub user_us: Option<u64>,
    pub system_us: Option<u64>,
    pub throttled_us: Option<u64>,
    pub memory_peak_bytes: Option<u64>,
    pub pids_peak: Option<u64>,
    /// Processes killed because the memory limit was reached.
    pub oom_kills: Option<u64>,
    /// Forks refused because `pids.max` was reached.
    pub pids_refused: Option<u64>,
}
