//! What will be done for one job, as data: pure, serialisable, printed by `run --dry-run`.

use std::collections::BTreeSet;

use model::{
    CgroupLimits, CgroupReceipt, IdMapReceipt, JobSpec, Limits, NetworkMode, Receipt, SeccompReceipt,
    StepSpec,
};
use serde::{Deserialize, Serialize};

use crate::host::HostCaps;
use crate::require;
use crate::seccomp::{Profile, Profiles, Program};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchPlan {
    pub namespaces: Vec<String>,
    pub hostname: String,
    /// User and group id inside; the launcher chooses the host's side.
    pub inside_id: u32,
    pub nested_user_namespaces: bool,
    pub root: RootPlan,
    pub scratch: ScratchPlan,
    pub landlock: Option<LandlockPlan>,
    /// Around all steps and init.
    pub cgroup: CgroupLimits,
    /// Each profile once; steps refer to it by index.
    pub seccomp: Vec<SeccompPlan>,
    pub steps: Vec<StepPlan>,
    /// One terminal instead of three pipes.
    pub tty: bool,
    /// Layers that are missing and that the operator allowed to be.
    pub degraded: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootPlan {
    /// `host`: the launcher's prepared read-only view of the machine.
    pub source: String,
    pub masked_files: Vec<String>,
    pub masked_directories: Vec<String>,
    pub read_only: Vec<String>,
}

/// The part of a plan that an init can do before it knows the rest: what a sandbox made ahead was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foundation {
    pub(crate) inside_id: u32,
    pub(crate) hostname: String,
    pub(crate) root: RootPlan,
    /// How many steps can be run, each in a cgroup of its own.
    pub(crate) steps: usize,
}

impl Foundation {
    /// What most jobs ask for.
    pub(crate) fn usual() -> Self {
        Self { inside_id: 1000, hostname: HOSTNAME.into(), root: root("host"), steps: 1 }
    }
}

/// Its own name, in `/etc/hosts` of every sandbox.
const HOSTNAME: &str = "stockade";

/// One tmpfs, shown at three places, so that one limit covers all that a job can write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScratchPlan {
    pub bytes: u64,
    pub inodes: u64,
}

/// landlock(7): what is not listed is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandlockPlan {
    pub abi: u32,
    pub read_execute: Vec<String>,
    /// Existing files may be read and written: devices, `/proc/self`.
    pub read_write: Vec<String>,
    /// Everything but making device nodes.
    pub full: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeccompPlan {
    pub profile: String,
    pub digest: String,
    pub program: Program,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepPlan {
    pub name: String,
    pub command: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    pub workdir: String,
    pub rlimits: Vec<Rlimit>,
    pub cgroup: CgroupLimits,
    pub seccomp: usize,
}

/// setrlimit(2); soft and hard are the same, so a program cannot raise its own. Only `cpu` has a second between them: at the
/// soft limit the kernel sends SIGXCPU, which tells, at the hard one SIGKILL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimit {
    pub name: RlimitName,
    pub value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RlimitName {
    Core,
    Cpu,
    FileSize,
    OpenFiles,
    Stack,
    LockedMemory,
    MessageQueues,
    PendingSignals,
}

/// A layer that the job requires, or that every job gets, and that this host cannot enforce.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{layer}: {detail}")]
pub struct PlanError {
    /// Such as `cgroup.memory`.
    pub layer: String,
    pub detail: String,
    /// What to do about it.
    pub remedy: String,
    /// Index into the request's `require`, when that asked for it.
    pub require_index: Option<usize>,
}

/// Listed in runc's and moby's defaults: host state that a pid namespace does not hide.
const MASKED_FILES: [&str; 8] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/sysrq-trigger",
    "/proc/interrupts",
];
const MASKED_DIRECTORIES: [&str; 3] = ["/proc/acpi", "/proc/asound", "/proc/scsi"];
/// The owner of the job's user namespace may write some sysctls without any capability (net, ipc): read-only for all.
const READ_ONLY: [&str; 4] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"];

pub fn plan(
    spec: &JobSpec,
    host: &HostCaps,
    profiles: &Profiles,
    allowed: &BTreeSet<String>,
) -> Result<LaunchPlan, PlanError> {
    let degraded = require::missing_layers(host, allowed)?;
    require::check(&spec.require, host, &degraded)?;
    let NetworkMode::None = spec.network.mode;
    let mut seccomp: Vec<SeccompPlan> = Vec::new();
    let steps = spec.steps.iter().map(|step| {
        let profile = profiles.get(&step.profile).ok_or_else(|| unknown_profile(&step.profile))?;
        Ok(plan_step(step, host, seccomp_index(&mut seccomp, profile)))
    });
    let steps = steps.collect::<Result<Vec<_>, PlanError>>()?;
    Ok(LaunchPlan {
        namespaces: ["user", "pid", "mount", "network", "ipc", "uts", "cgroup"].map(String::from).into(),
        hostname: HOSTNAME.into(),
        inside_id: spec.user,
        nested_user_namespaces: false,
        root: root(&spec.image),
        scratch: scratch(spec.disk_bytes),
        landlock: host.landlock_abi.map(landlock),
        cgroup: whole_job(&steps),
        seccomp,
        steps,
        tty: spec.tty,
        degraded,
    })
}

fn unknown_profile(name: &str) -> PlanError {
    PlanError {
        layer: "seccomp".into(),
        detail: format!("no profile named `{name}`"),
        remedy: "name a loaded profile, or add one to `seccomp_profiles` in the configuration".into(),
        require_index: None,
    }
}

fn seccomp_index(plans: &mut Vec<SeccompPlan>, profile: &Profile) -> usize {
    plans.iter().position(|p| p.profile == profile.name).unwrap_or_else(|| {
        let (profile, digest, program) =
            (profile.name.clone(), profile.digest.clone(), profile.program.clone());
        plans.push(SeccompPlan { profile, digest, program });
        plans.len() - 1
    })
}

fn root(image: &str) -> RootPlan {
    RootPlan {
        source: image.into(),
        masked_files: MASKED_FILES.map(String::from).into(),
        masked_directories: MASKED_DIRECTORIES.map(String::from).into(),
        read_only: READ_ONLY.map(String::from).into(),
    }
}

/// One inode for every 4 KiB, the kernel's own default for tmpfs, within bounds that keep an inode bomb small.
fn scratch(bytes: u64) -> ScratchPlan {
    ScratchPlan { bytes, inodes: (bytes / 4096).clamp(1024, 262_144) }
}

fn landlock(abi: u32) -> LandlockPlan {
    LandlockPlan {
        abi,
        read_execute: vec!["/".into()],
        read_write: vec!["/dev".into(), "/proc".into()],
        full: vec!["/workspace".into(), "/tmp".into(), "/dev/shm".into()],
    }
}

fn plan_step(step: &StepSpec, host: &HostCaps, seccomp: usize) -> StepPlan {
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

/// Files in the scratch tmpfs outlive the step that wrote them, so their memory is limited around all steps. Processes
/// and CPU are limited step by step, and only one step runs at a time.
fn whole_job(steps: &[StepPlan]) -> CgroupLimits {
    let memory_bytes = steps.iter().filter_map(|step| step.cgroup.memory_bytes).max();
    CgroupLimits { memory_bytes, ..CgroupLimits::default() }
}

impl LaunchPlan {
    pub(crate) fn foundation(&self) -> Foundation {
        let (hostname, root) = (self.hostname.clone(), self.root.clone());
        Foundation { inside_id: self.inside_id, hostname, root, steps: self.steps.len() }
    }

    /// True once init has reported `Ready`: it stops at the first step that it cannot do.
    pub fn receipt(&self, host: &HostCaps, host_uid: u32) -> Receipt {
        let no_swap =
            self.cgroup.memory_bytes.is_some() && host.cgroup.controllers.iter().any(|c| c == "swap");
        Receipt {
            namespaces: self.namespaces.clone(),
            id_map: IdMapReceipt { kind: host.id_map, inside_uid: self.inside_id, host_uid },
            capabilities: Vec::new(),
            no_new_privs: true,
            nested_user_namespaces: self.nested_user_namespaces,
            seccomp: self.steps.iter().map(|step| self.seccomp_receipt(step.seccomp)).collect(),
            landlock_abi: self.landlock.as_ref().map(|l| l.abi),
            cgroup: CgroupReceipt {
                version: host.cgroup.version.clone(),
                controllers: host.cgroup.controllers.clone(),
            },
            root_filesystem: self.root.source.clone(),
            network: "none".into(),
            swap: if no_swap { "off" } else { "unlimited" }.into(),
            degraded: self.degraded.clone(),
        }
    }

    fn seccomp_receipt(&self, index: usize) -> SeccompReceipt {
        let plan = &self.seccomp[index];
        SeccompReceipt { profile: plan.profile.clone(), digest: plan.digest.clone() }
    }
}

#[cfg(test)]
mod tests;
