//! The async side of a running job: deadlines, output, accounting, and the verdict on how it ended.
//!
//! One task per job, woken by the job's socket, its pipes and its timers; nothing here polls on a tick.

#![forbid(unsafe_code)]

mod account;
mod approve;
mod artifacts;
mod broken;
mod cases;
mod compare;
mod container;
mod control;
mod deadline;
mod inputs;
mod job;
mod orders;
mod output;
mod stdio;
mod step;
mod tty;
mod verdict;
mod watch;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use admission::Admitted;
use model::{Artifact, ArtifactError, Cause, Decision, JobSpec, Receipt, Status, StepResult, Timing};
use sandbox::{HostCaps, LaunchPlan, Launcher, PlanError, Planner, Profiles, Sources, Step};
use tokio::sync::mpsc;

use job::Call;
pub use job::{Again, Launched};
use orders::Orders;
pub use watch::{Changes, Lanes, NoLanes, NoWatch, Watch};

/// Runs jobs through one launcher. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    launcher: Launcher,
    profiles: Profiles,
    /// Opened once: the stdin of steps that have none.
    null: OwnedFd,
    /// Launched and not dropped.
    sandboxes: AtomicU64,
}

/// How a job ended: everything of [`model::Job`] that running it decides.
#[derive(Debug)]
pub struct Outcome {
    pub status: Status,
    pub cause: Option<Cause>,
    pub steps: Vec<StepResult>,
    pub artifacts: Vec<Collected>,
    pub artifact_errors: Vec<ArtifactError>,
    /// Of the policies that looked at the container.
    pub policy: Vec<Decision>,
    /// What those have to say to whoever sent the job.
    pub warnings: Vec<String>,
    pub isolation: Option<Receipt>,
    /// The steps of making the sandbox, with the microseconds that each took; also those done before the job was there.
    pub built: Vec<(Step, u32)>,
    pub timing: Timing,
    /// Of a lost one, whose sandbox went without its doing.
    pub again: Option<Again>,
}

/// An artifact with its contents, read once, its digest computed over just these bytes.
#[derive(Debug)]
pub struct Collected {
    pub artifact: Artifact,
    pub contents: Vec<u8>,
}

/// Where the steps' stdin comes from and their output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Io {
    /// stdin from the spec, output kept for the result.
    Capture,
    /// This process's own stdin, stdout and stderr, as they come.
    Relay,
    /// This process's own stdin; output kept for the result.
    Report,
}

/// What may be asked of a running job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Send this signal number to the step's main process.
    Signal(i32),
    /// End the job as `cancelled`.
    Cancel,
    /// Freeze its programs, and start none until [`Order::Resume`]. Time held back counts for no limit and in no usage.
    /// Changes nothing where [`Supervisor::can_pause`] says so.
    Pause,
    Resume,
    /// Hand out what a paused job has changed, by [`Watch::changes`]. Changes nothing while it is not paused, or between two
    /// of its programs.
    Changes,
}

impl Supervisor {
    #[expect(clippy::disallowed_methods, reason = "the host's own device")]
    pub fn new(launcher: Launcher, profiles: Profiles) -> io::Result<Self> {
        let null = std::fs::OpenOptions::new().read(true).open("/dev/null")?.into();
        Ok(Self { inner: Arc::new(Inner { launcher, profiles, null, sandboxes: AtomicU64::new(0) }) })
    }

    pub fn host(&self) -> &HostCaps {
        self.inner.launcher.host()
    }

    /// Whether jobs can still be run: see [`Launcher::is_alive`].
    pub fn is_alive(&self) -> bool {
        self.inner.launcher.is_alive()
    }

    /// Those that jobs and their cases have.
    pub fn sandboxes(&self) -> u64 {
        self.inner.sandboxes.load(Relaxed)
    }

    pub fn profiles(&self) -> &Profiles {
        &self.inner.profiles
    }

    /// Pure: what the job would get on this host, or the layer that cannot be had.
    pub fn plan(&self, spec: &JobSpec, sources: &Sources) -> Result<LaunchPlan, PlanError> {
        self.inner.planner(sources).plan(spec)
    }

    /// See [`Launcher::tool`].
    pub fn tool(&self, task: Vec<u8>, fds: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
        self.inner.launcher.tool(task, fds)
    }

    /// Whether this host can freeze a job's programs (`cgroup.freeze`): without that nothing is paused.
    pub fn can_pause(&self) -> bool {
        self.host().cgroup.freeze
    }

    /// Has the job's sandbox made. Dropping the sender of `orders` changes nothing.
    pub async fn launch(
        &self,
        admitted: Arc<Admitted<JobSpec>>,
        plan: LaunchPlan,
        io: Io,
        orders: mpsc::Receiver<Order>,
        watch: Arc<dyn Watch>,
        lanes: Arc<dyn Lanes>,
    ) -> Launched {
        let orders = Orders::new(orders, Arc::clone(&watch), self.can_pause());
        job::launch(Call { inner: Arc::clone(&self.inner), admitted, plan, io, orders, watch, lanes }).await
    }

    /// Launches a job once more that was lost, to be run from its beginning and told to the same watch.
    pub async fn again(&self, again: Again, watch: Arc<dyn Watch>, lanes: Arc<dyn Lanes>) -> Launched {
        let Again { admitted, plan, orders } = again;
        let inner = Arc::clone(&self.inner);
        job::launch(Call { inner, admitted, plan, io: Io::Capture, orders, watch, lanes }).await
    }
}

impl Inner {
    fn planner<'a>(&'a self, sources: &'a Sources) -> Planner<'a> {
        let (host, allowed) = (self.launcher.host(), self.launcher.allow_degraded());
        Planner { host, profiles: &self.profiles, allowed, sources }
    }
}

/// In the unit of [`Timing`].
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
