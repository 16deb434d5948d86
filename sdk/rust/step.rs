use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, iter};

use crate::Case;
use crate::host::job;

/// One limit of a job, by its name in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    CpuTimeMs,
    WallTimeMs,
    MemoryBytes,
    Pids,
    OutputBytes,
    /// Of the whole job, not of one step.
    DiskBytes,
    OpenFiles,
    FileBytes,
    StackBytes,
    /// CPUs in thousandths; `cpus` in the request.
    CpuMillis,
}

impl Limit {
    pub const ALL: [Self; 10] = [
        Self::CpuTimeMs,
        Self::WallTimeMs,
        Self::MemoryBytes,
        Self::Pids,
        Self::OutputBytes,
        Self::DiskBytes,
        Self::OpenFiles,
        Self::FileBytes,
        Self::StackBytes,
        Self::CpuMillis,
    ];

    /// As in the request and in the job document.
    pub fn name(self) -> &'static str {
        match self {
            Self::CpuTimeMs => "cpu_time_ms",
            Self::WallTimeMs => "wall_time_ms",
            Self::MemoryBytes => "memory_bytes",
            Self::Pids => "pids",
            Self::OutputBytes => "output_bytes",
            Self::DiskBytes => "disk_bytes",
            Self::OpenFiles => "open_files",
            Self::FileBytes => "file_bytes",
            Self::StackBytes => "stack_bytes",
            Self::CpuMillis => "cpus",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One step of the job.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    index: u32,
}

impl Step {
    pub(crate) fn new(index: usize) -> Self {
        Self { index: u32::try_from(index).unwrap_or(u32::MAX) }
    }

    /// Counted from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    pub fn name(self) -> String {
        job::step_name(self.index).unwrap_or_default()
    }

    pub fn command(self) -> Vec<String> {
        job::step_command(self.index).unwrap_or_default()
    }

    /// Each runs the command with words of its own after it; none for a step without cases.
    pub fn cases(self) -> Vec<Case> {
        job::step_cases(self.index).unwrap_or_default()
    }

    /// Every command that this step may run, with all its words, and where it is in the job document: its own, that of each
    /// case, and that of each case's checker.
    pub fn commands(self) -> impl Iterator<Item = (Vec<String>, String)> {
        let own = self.command();
        let first = (own.clone(), self.pointer("/command"));
        let more = self.cases().into_iter().enumerate().flat_map(move |(i, case)| {
            let whole = [&own[..], &case.args].concat();
            let checker = (case.checker, self.pointer(&format!("/cases/{i}/expect/checker/command")));
            [(whole, self.pointer(&format!("/cases/{i}/args"))), checker]
        });
        iter::once(first).chain(more).filter(|(command, _)| !command.is_empty())
    }

    /// Absolute path inside the job.
    pub fn workdir(self) -> String {
        job::step_workdir(self.index).unwrap_or_default()
    }

    /// Seccomp profile.
    pub fn profile(self) -> String {
        job::step_profile(self.index).unwrap_or_default()
    }

    /// None where this step has no such limit of its own.
    pub fn limit(self, limit: Limit) -> Option<u64> {
        job::step_limit(self.index, limit.name())
    }

    pub fn memory_bytes(self) -> u64 {
        self.limit(Limit::MemoryBytes).unwrap_or(u64::MAX)
    }

    /// Where this step is in the job document: `step.pointer("/limits/pids")` is `/steps/0/limits/pids`.
    pub fn pointer(self, below: &str) -> String {
        format!("/steps/{}{below}", self.index)
    }
}
