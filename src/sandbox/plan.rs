//! What will be done for one job, as data: pure, serialisable, printed by `run --dry-run`.

mod receipt;
mod step;

use std::collections::BTreeSet;

use model::{CgroupLimits, JobSpec, NetworkMode, StepSpec};
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
    pub workspace: Workspace,
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

/// What `/workspace` is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workspace {
    /// The scratch filesystem alone.
    Own,
    /// The same, lent to the cases of this job.
    Lent,
    /// The scratch filesystem over what was lent: an overlay. What is written goes to the scratch filesystem.
    Over,
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
    let has_cases = spec.steps.iter().any(|step| !step.cases.is_empty());
    if has_cases && !host.overlay {
        return Err(no_overlay());
    }
    let workspace = if has_cases { Workspace::Lent } else { Workspace::Own };
    plan_steps(spec, &spec.steps, workspace, host, profiles, allowed)
}

/// One program over what the job's steps have left in `/workspace`: a case, or its checker.
pub fn plan_case(
    spec: &JobSpec,
    case: &StepSpec,
    host: &HostCaps,
    profiles: &Profiles,
    allowed: &BTreeSet<String>,
) -> Result<LaunchPlan, PlanError> {
    plan_steps(spec, std::slice::from_ref(case), Workspace::Over, host, profiles, allowed)
}

fn no_overlay() -> PlanError {
    PlanError {
        layer: "overlay".into(),
        detail: "`cases` run over a frozen workspace, and this kernel has no overlayfs in user namespaces"
            .into(),
        remedy: "use kernel 5.11 or newer with CONFIG_OVERLAY_FS, or write each case as a step".into(),
        require_index: None,
    }
}

fn plan_steps(
    spec: &JobSpec,
    steps: &[StepSpec],
    workspace: Workspace,
    host: &HostCaps,
    profiles: &Profiles,
    allowed: &BTreeSet<String>,
) -> Result<LaunchPlan, PlanError> {
    let degraded = require::missing_layers(host, allowed)?;
    require::check(&spec.require, host, &degraded)?;
    let NetworkMode::None = spec.network.mode;
    let mut seccomp: Vec<SeccompPlan> = Vec::new();
    let steps = steps.iter().map(|step| {
        let profile = profiles.get(&step.profile).ok_or_else(|| unknown_profile(&step.profile))?;
        Ok(step::plan(step, host, seccomp_index(&mut seccomp, profile)))
    });
    let steps = steps.collect::<Result<Vec<_>, PlanError>>()?;
    Ok(LaunchPlan {
        namespaces: ["user", "pid", "mount", "network", "ipc", "uts", "cgroup"].map(String::from).into(),
        hostname: HOSTNAME.into(),
        inside_id: spec.user,
        nested_user_namespaces: false,
        root: root(&spec.image),
        scratch: scratch(spec.disk_bytes),
        workspace,
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
}

#[cfg(test)]
mod tests;
