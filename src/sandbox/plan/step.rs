//! What one program is held to, in the kernel's words.

use model::{CgroupLimits, Limits, StepSpec};

use super::{Rlimit, RlimitName, StepPlan};
use crate::host::HostCaps;

pub(super) fn plan(step: &StepSpec, host: &HostCaps, seccomp: usize) -> StepPlan {
    StepPlan {
        name: step.name.clone(),
        command: step.command.clone(),
        env: step.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        workdir: step.workdir.clone(),
        rlimits: rlimits(&step.limits),
        cgroup: group_limits(&step.limits, host),
        seccomp,
    }
}

fn rlimits(limits: &Limits) -> Vec<Rlimit> {
    let rlimit = |name, value| Rlimit { name, value };
    vec![
        // Not 0: with a `|` core_pattern the host's handler runs at 0 all the same, as root; 1 stops it, and no file
        // is that small (core(5), CVE-2025-4598). The profiles refuse to change it.
        rlimit(RlimitName::Core, 1),
        // A backstop in whole seconds for one process; supervise holds the step to the exact figure.
        rlimit(RlimitName::Cpu, limits.cpu_time_ms.div_ceil(1000) + 1),
        rlimit(RlimitName::FileSize, limits.file_bytes),
        rlimit(RlimitName::OpenFiles, limits.open_files),
        rlimit(RlimitName::Stack, limits.stack_bytes),
        rlimit(RlimitName::LockedMemory, 64 << 10),
        // Per user id, and with a single id map all jobs share one: small enough not to starve another.
        rlimit(RlimitName::MessageQueues, 819_200),
        rlimit(RlimitName::PendingSignals, 4096),
    ]
}

/// Only what the host can hold: `missing_layers` has already refused or recorded the rest.
fn group_limits(limits: &Limits, host: &HostCaps) -> CgroupLimits {
    let has = |controller: &str| host.cgroup.controllers.iter().any(|c| c == controller);
    CgroupLimits {
        memory_bytes: has("memory").then_some(limits.memory_bytes),
        pids: has("pids").then_some(limits.pids),
        cpus: has("cpu").then_some(limits.cpus),
        cpu_weight: None,
    }
}
