use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every limit of one step, resolved: nothing is unlimited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// CPU time of all the step's processes together.
    pub cpu_time_ms: u64,
    /// Elapsed time from the start of the command, without the time that it was paused.
    pub wall_time_ms: u64,
    /// Memory of all the step's processes, page cache and files in `/tmp` and `/workspace` included. Swap is off.
    pub memory_bytes: u64,
    /// Processes and threads at one time.
    pub pids: u64,
    /// Bytes kept of stdout and of stderr, each.
    pub output_bytes: u64,
    /// Bytes that `/workspace`, `/tmp` and `/dev/shm` may hold together. One figure for the whole job.
    pub disk_bytes: u64,
    /// `RLIMIT_NOFILE`.
    pub open_files: u64,
    /// `RLIMIT_FSIZE`: the largest file a process may write.
    pub file_bytes: u64,
    /// `RLIMIT_STACK` of the main thread.
    pub stack_bytes: u64,
    /// CPUs that may be used at once; 0.5 is half of one.
    pub cpus: f64,
}

/// [`Limits`] as a caller sends them: what is left out comes from the job, then from the host's defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsRequest {
    /// CPU time of all the step's processes together.
    #[schemars(range(min = 1))]
    pub cpu_time_ms: Option<u64>,
    /// Elapsed time from the start of the command.
    #[schemars(range(min = 1))]
    pub wall_time_ms: Option<u64>,
    /// Memory of all the step's processes, page cache and files in `/tmp` and `/workspace` included. Swap is off.
    #[schemars(range(min = 1_048_576))]
    pub memory_bytes: Option<u64>,
    /// Processes and threads at one time.
    #[schemars(range(min = 1))]
    pub pids: Option<u64>,
    /// Bytes kept of stdout and of stderr, each.
    pub output_bytes: Option<u64>,
    /// Bytes that `/workspace`, `/tmp` and `/dev/shm` may hold together. One figure for the whole job.
    #[schemars(range(min = 65_536))]
    pub disk_bytes: Option<u64>,
    /// `RLIMIT_NOFILE`.
    #[schemars(range(min = 4))]
    pub open_files: Option<u64>,
    /// `RLIMIT_FSIZE`: the largest file a process may write.
    pub file_bytes: Option<u64>,
    /// `RLIMIT_STACK` of the main thread.
    #[schemars(range(min = 65_536))]
    pub stack_bytes: Option<u64>,
    /// CPUs that may be used at once; 0.5 is half of one.
    #[schemars(range(min = 0.01))]
    pub cpus: Option<f64>,
}

impl LimitsRequest {
    pub fn over(&self, base: &Limits) -> Limits {
        Limits {
            cpu_time_ms: self.cpu_time_ms.unwrap_or(base.cpu_time_ms),
            wall_time_ms: self.wall_time_ms.unwrap_or(base.wall_time_ms),
            memory_bytes: self.memory_bytes.unwrap_or(base.memory_bytes),
            pids: self.pids.unwrap_or(base.pids),
            output_bytes: self.output_bytes.unwrap_or(base.output_bytes),
            disk_bytes: self.disk_bytes.unwrap_or(base.disk_bytes),
            open_files: self.open_files.unwrap_or(base.open_files),
            file_bytes: self.file_bytes.unwrap_or(base.file_bytes),
            stack_bytes: self.stack_bytes.unwrap_or(base.stack_bytes),
            cpus: self.cpus.unwrap_or(base.cpus),
        }
    }
}

impl LimitsRequest {
    /// As [`LimitsRequest::over`], and nowhere above it.
    pub fn within(&self, most: &Limits) -> Limits {
        let asked = self.over(most);
        Limits {
            cpu_time_ms: asked.cpu_time_ms.min(most.cpu_time_ms),
            wall_time_ms: asked.wall_time_ms.min(most.wall_time_ms),
            memory_bytes: asked.memory_bytes.min(most.memory_bytes),
            pids: asked.pids.min(most.pids),
            output_bytes: asked.output_bytes.min(most.output_bytes),
            disk_bytes: asked.disk_bytes.min(most.disk_bytes),
            open_files: asked.open_files.min(most.open_files),
            file_bytes: asked.file_bytes.min(most.file_bytes),
            stack_bytes: asked.stack_bytes.min(most.stack_bytes),
            cpus: asked.cpus.min(most.cpus),
        }
    }
}

impl From<&Limits> for LimitsRequest {
    fn from(limits: &Limits) -> Self {
        Self {
            cpu_time_ms: Some(limits.cpu_time_ms),
            wall_time_ms: Some(limits.wall_time_ms),
            memory_bytes: Some(limits.memory_bytes),
            pids: Some(limits.pids),
            output_bytes: Some(limits.output_bytes),
            disk_bytes: Some(limits.disk_bytes),
            open_files: Some(limits.open_files),
            file_bytes: Some(limits.file_bytes),
            stack_bytes: Some(limits.stack_bytes),
            cpus: Some(limits.cpus),
        }
    }
}

impl Limits {
    /// What a step gets that names no limits.
    pub fn defaults() -> Self {
        Self {
            cpu_time_ms: 10_000,
            wall_time_ms: 30_000,
            memory_bytes: 512 << 20,
            pids: 128,
            output_bytes: 1 << 20,
            disk_bytes: 256 << 20,
            open_files: 1024,
            file_bytes: 256 << 20,
            stack_bytes: 8 << 20,
            cpus: 1.0,
        }
    }
}

/// Names of all limits, as in a request. `cpus` is counted in thousandths wherever limits are numbers by name.
pub const LIMIT_NAMES: [&str; 10] = [
    "cpu_time_ms",
    "wall_time_ms",
    "memory_bytes",
    "pids",
    "output_bytes",
    "disk_bytes",
    "open_files",
    "file_bytes",
    "stack_bytes",
    "cpus",
];

impl Limits {
    pub fn by_name(&self, name: &str) -> Option<u64> {
        Some(match name {
            "cpu_time_ms" => self.cpu_time_ms,
            "wall_time_ms" => self.wall_time_ms,
            "memory_bytes" => self.memory_bytes,
            "pids" => self.pids,
            "output_bytes" => self.output_bytes,
            "disk_bytes" => self.disk_bytes,
            "open_files" => self.open_files,
            "file_bytes" => self.file_bytes,
            "stack_bytes" => self.stack_bytes,
            "cpus" => thousandths(self.cpus),
            _ => return None,
        })
    }

    /// Whether there is such a limit.
    pub fn set_by_name(&mut self, name: &str, value: u64) -> bool {
        let field = match name {
            "cpu_time_ms" => &mut self.cpu_time_ms,
            "wall_time_ms" => &mut self.wall_time_ms,
            "memory_bytes" => &mut self.memory_bytes,
            "pids" => &mut self.pids,
            "output_bytes" => &mut self.output_bytes,
            "disk_bytes" => &mut self.disk_bytes,
            "open_files" => &mut self.open_files,
            "file_bytes" => &mut self.file_bytes,
            "stack_bytes" => &mut self.stack_bytes,
            "cpus" => {
                self.cpus = cpus(value);
                return true;
            }
            _ => return false,
        };
        *field = value;
        true
    }
}

/// Rounded up, so that a job is never seen as asking for less than it does.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be finite and above 0"
)]
fn thousandths(cpus: f64) -> u64 {
    (cpus * 1000.0).ceil() as u64
}

#[expect(clippy::cast_precision_loss, reason = "no host has 2^52 CPUs")]
fn cpus(thousandths: u64) -> f64 {
    thousandths as f64 / 1000.0
}
