//! One job from its launch to its outcome.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use model::{JobSpec, Receipt, Status, StepResult, StepSpec, Timing};
use sandbox::protocol::{Order as InitOrder, Report};
use sandbox::{LaunchPlan, StepError};
use tokio::sync::mpsc;

use crate::control::Control;
use crate::step::{self, Killed};
use crate::{Inner, Io, Order, Outcome, artifacts, inputs, verdict};

/// Why a job could not go on; always ours, never the program's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the sandbox could not be built: {0}")]
    Step(#[from] StepError),
    #[error("the sandbox ended before its program did")]
    Ended,
    #[error("the job's memory limit was reached by what its programs left behind, in files or shared memory")]
    Memory,
    /// Between two steps; within one it is that step's verdict.
    #[error("cancelled by request")]
    Cancelled,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A running job's socket and what was learnt on it so far.
pub(crate) struct Running<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) control: Control,
    pub(crate) io: Io,
    pub(crate) tty: bool,
    pub(crate) handles: VecDeque<StepHandles>,
    plan: LaunchPlan,
    pub(crate) receipt: Option<Receipt>,
    host_uid: u32,
    launched: Instant,
    timing: Timing,
}

/// What the launcher left us of one step's cgroup.
#[derive(Debug, Default)]
pub(crate) struct StepHandles {
    pub(crate) cpu: Option<OwnedFd>,
    pub(crate) kill: Option<OwnedFd>,
}

pub(crate) async fn run(
    inner: &Inner,
    spec: JobSpec,
    plan: LaunchPlan,
    io: Io,
    mut orders: mpsc::Receiver<Order>,
) -> Outcome {
    let launched = Instant::now();
    let control = match inner.launcher.launch(plan.clone()).and_then(Control::new) {
        Ok(control) => control,
        Err(error) => return broken(&spec, Vec::new(), None, Timing::default(), &error.into()),
    };
    let (handles, timing) = (VecDeque::new(), Timing::default());
    let tty = spec.tty;
    let mut job =
        Running { inner, control, io, tty, handles, plan, receipt: None, host_uid: 0, launched, timing };
    let mut steps = Vec::with_capacity(spec.steps.len());
    match job.steps(&spec, &mut orders, &mut steps).await {
        Err(error) => broken(&spec, steps, job.receipt, job.timing, &error),
        Ok(()) => job.finish(&spec, &mut orders, steps).await,
    }
}

impl Running<'_> {
    async fn steps(
        &mut self,
        spec: &JobSpec,
        orders: &mut mpsc::Receiver<Order>,
        done: &mut Vec<StepResult>,
    ) -> Result<(), Broken> {
        if !spec.files.is_empty() {
            let (entries, contents) = inputs::pack(&spec.files)?;
            self.control.send(&InitOrder::Files(entries), &[contents.as_fd()])?;
        }
        for (index, step) in spec.steps.iter().enumerate() {
            let ended = step::run(self, orders, spec, index).await?;
            let cancelled = ended.killed == Some(Killed::Cancelled);
            let result = verdict::of(step, ended);
            self.timing.run_us += result.usage.wall_time_us;
            let succeeded = result.status == Status::Succeeded;
            done.push(result);
            if !succeeded {
                break;
            }
            if cancelled && done.len() < spec.steps.len() {
                return Err(Broken::Cancelled);
            }
        }
        Ok(())
    }

    /// The next report that is about the job's programs; what comes before is taken note of here.
    pub(crate) async fn next(&mut self) -> Result<(Report, Vec<OwnedFd>), Broken> {
        loop {
            let (report, fds) = self.control.receive().await?.ok_or(Broken::Ended)?;
            match report {
                Report::Cloned { host_uid, handles } => {
                    self.host_uid = host_uid;
                    let mut fds = fds.into_iter().skip(1);
                    let mut take = |there: bool| if there { fds.next() } else { None };
                    let taken =
                        handles.steps.iter().map(|s| StepHandles { cpu: take(s.cpu), kill: take(s.kill) });
                    self.handles = taken.collect();
                }
                Report::Ready { steps_us: _ } => {
                    self.timing.setup_us = micros(self.launched.elapsed());
                    self.receipt = Some(self.plan.receipt(self.inner.launcher.host(), self.host_uid));
                }
                Report::Failed(error) => return Err(error.into()),
                Report::Gone { out_of_memory: true } => return Err(Broken::Memory),
                Report::Gone { out_of_memory: false } => return Err(Broken::Ended),
                report => return Ok((report, fds)),
            }
        }
    }

    async fn finish(
        mut self,
        spec: &JobSpec,
        orders: &mut mpsc::Receiver<Order>,
        mut steps: Vec<StepResult>,
    ) -> Outcome {
        let since = Instant::now();
        let collected = artifacts::collect(&mut self, orders, &spec.artifacts).await;
        self.timing.collect_us = micros(since.elapsed());
        let (status, cause) = verdict::of_job(&steps);
        skip_rest(&mut steps, &spec.steps);
        let (isolation, timing) = (self.receipt, self.timing);
        match collected {
            Ok((artifacts, artifact_errors)) => {
                Outcome { status, cause, steps, artifacts, artifact_errors, isolation, timing }
            }
            Err(error) => broken(spec, steps, isolation, timing, &error),
        }
    }
}

fn broken(
    spec: &JobSpec,
    mut steps: Vec<StepResult>,
    isolation: Option<Receipt>,
    timing: Timing,
    error: &Broken,
) -> Outcome {
    let (status, cause) = verdict::of_broken(spec, error);
    skip_rest(&mut steps, &spec.steps);
    let (artifacts, artifact_errors) = (Vec::new(), Vec::new());
    Outcome { status, cause: Some(cause), steps, artifacts, artifact_errors, isolation, timing }
}

fn skip_rest(done: &mut Vec<StepResult>, all: &[StepSpec]) {
    done.extend(all[done.len()..].iter().map(verdict::skipped));
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
