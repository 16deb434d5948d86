//! What will be done for one job, as data: pure, serialisable, printed by `run --dry-run`.

mod filesystem;
mod receipt;
mod sources;
mod step;
pub(crate) mod view;

use std::collections::BTreeSet;

use model::{CgroupLimits, JobSpec, NetworkMode, StepSpec};
use serde::{Deserialize, Serialize};

use crate::host::HostCaps;
use crate::require;
use crate::seccomp::{Profile, Profiles, Program};
use filesystem::{landlock, root, scratch};
pub use sources::{ImageLayer, ImageRoot, Sources, VolumePlan};
use sources::{ids, volumes};
pub(crate) use view::ViewPlan;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchPlan {
    pub namespaces: Vec<String>,
    pub hostname: String,
    pub ids: Ids,
    pub nested_user_namespaces: bool,
    pub root: RootPlan,
    pub volumes: Vec<VolumePlan>,
    pub scratch: ScratchPlan,
    pub workspace: Workspace,
    pub landlock: Option<LandlockPlan>,
    /// Around all steps and init.
    pub cgroup: CgroupLimits,
    pub view: ViewPlan,
    /// Each profile once; steps refer to it by index.
    pub seccomp: Vec<SeccompPlan>,
    pub steps: Vec<StepPlan>,
    /// One terminal instead of three pipes.
    pub tty: bool,
    /// Layers that are missing and that the operator allowed to be.
    pub degraded: Vec<String>,
}

/// Who the job's programs are inside; the launcher chooses the host's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    pub user: u32,
    pub group: u32,
    pub map: IdMap,
}

/// What the ids inside a sandbox are outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdMap {
    /// The job's user alone, as a host id that no other running job has.
    Slot,
    /// All ids of images and volumes, which their files have for every job.
    Image,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootPlan {
    /// None: `host`, the launcher's prepared read-only view of the machine.
    pub image: Option<ImageRoot>,
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
    pub(crate) ids: Ids,
    pub(crate) hostname: String,
    pub(crate) root: RootPlan,
    /// How many steps can be run, each in a cgroup of its own.
    pub(crate) steps: usize,
}

impl Foundation {
    /// What most jobs ask for.
    pub(crate) fn usual() -> Self {
        let ids = Ids { user: 1000, group: 1000, map: IdMap::Slot };
        Self { ids, hostname: HOSTNAME.into(), root: root(None), steps: 1 }
    }
}

/// Has an id in every image, however few there are.
const NOBODY: u32 = 65_534;
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

/// What a plan is made for, and with what at hand.
#[derive(Clone, Copy, Debug)]
pub struct Planner<'a> {
    pub host: &'a HostCaps,
    pub profiles: &'a Profiles,
    /// Layers that may be missing.
    pub allowed: &'a BTreeSet<String>,
    pub sources: &'a Sources,
}

impl Planner<'_> {
    pub fn plan(self, spec: &JobSpec) -> Result<LaunchPlan, PlanError> {
        let has_cases = spec.steps.iter().any(|step| !step.cases.is_empty());
        if (has_cases || self.sources.image.is_some()) && !self.host.overlay {
            return Err(no_overlay(if has_cases {
                "`cases` run over a frozen workspace"
            } else {
                "an image is mounted"
            }));
        }
        let workspace = if has_cases { Workspace::Lent } else { Workspace::Own };
        self.steps(spec, &spec.steps, workspace)
    }

    /// One program over what the job's steps have left in `/workspace`: a case, or its checker.
    pub fn plan_case(self, spec: &JobSpec, case: &StepSpec) -> Result<LaunchPlan, PlanError> {
        self.steps(spec, std::slice::from_ref(case), Workspace::Over)
    }

    fn steps(
        self,
        spec: &JobSpec,
        steps: &[StepSpec],
        workspace: Workspace,
    ) -> Result<LaunchPlan, PlanError> {
        let Self { host, profiles, allowed, sources } = self;
        let degraded = require::missing_layers(host, allowed)?;
        require::check(&spec.require, host, &degraded)?;
        let NetworkMode::None = spec.network.mode;
        let mut seccomp: Vec<SeccompPlan> = Vec::new();
        let steps = steps.iter().map(|step| {
            let profile = profiles.get(&step.profile).ok_or_else(|| unknown_profile(&step.profile))?;
            Ok(step::plan(step, host, seccomp_index(&mut seccomp, profile)))
        });
        let steps = steps.collect::<Result<Vec<_>, PlanError>>()?;
        let cgroup = whole_job(&steps);
        Ok(LaunchPlan {
            namespaces: namespaces(host),
            hostname: HOSTNAME.into(),
            ids: ids(spec, host, sources)?,
            nested_user_namespaces: false,
            root: root(sources.image.clone()),
            volumes: volumes(spec, sources)?,
            scratch: scratch(spec.disk_bytes),
            workspace,
            landlock: host.landlock_abi.map(|abi| landlock(abi, spec, sources.image.is_some())),
            view: ViewPlan::of(&cgroup, &steps),
            cgroup,
            seccomp,
            steps,
            tty: spec.tty,
            degraded,
        })
    }
}

fn no_overlay(what: &str) -> PlanError {
    PlanError {
        layer: "overlay".into(),
        detail: format!("{what}, and this kernel has no overlayfs in user namespaces"),
        remedy: "use kernel 5.11 or newer with CONFIG_OVERLAY_FS, or a job without cases and image".into(),
        require_index: None,
    }
}

/// The last one sets clocks, which are a view of the machine and no wall: a kernel without it will do.
fn namespaces(host: &HostCaps) -> Vec<String> {
    let all = ["user", "pid", "mount", "network", "ipc", "uts", "cgroup"];
    all.into_iter().chain(host.time_namespace.then_some("time")).map(String::from).collect()
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

/// Files in the scratch tmpfs outlive the step that wrote them, so their memory is limited around all steps. Processes
/// and CPU are limited step by step, and only one step runs at a time.
fn whole_job(steps: &[StepPlan]) -> CgroupLimits {
    let memory_bytes = steps.iter().filter_map(|step| step.cgroup.memory_bytes).max();
    CgroupLimits { memory_bytes, ..CgroupLimits::default() }
}

impl LaunchPlan {
    pub(crate) fn foundation(&self) -> Foundation {
        let (hostname, root) = (self.hostname.clone(), self.root.clone());
        Foundation { ids: self.ids, hostname, root, steps: self.steps.len() }
    }
}

#[cfg(test)]
mod tests;
