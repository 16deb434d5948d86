//! One job from its launch to its outcome.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::{Admitted, Denial, Follower};
use model::{Hook, JobSpec, Receipt, Status, StepResult, StepSpec, Timing};
use sandbox::protocol::{Order as InitOrder, Report};
use sandbox::{LaunchPlan, StepError};
use tokio::sync::mpsc;

use crate::approve::{Said, approve};
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
    /// By a policy, before the first program was started.
    #[error("{}", .0.reason)]
    Denied(Box<Denial>),
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
    pub(crate) follower: Follower,
    pub(crate) said: Said,
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
    admitted: &Admitted<JobSpec>,
    plan: LaunchPlan,
    io: Io,
    mut orders: mpsc::Receiver<Order>,
) -> Outcome {
    let launched = Instant::now();
    let spec = admitted.spec();
    let control = match inner.launcher.launch(plan.clone()).and_then(Control::new) {
        Ok(control) => control,
        Err(error) => return broken(spec, Vec::new(), Learnt::default(), &error.into()),
    };
    let mut job = Running {
        inner,
        control,
        io,
        tty: spec.tty,
        handles: VecDeque::new(),
        plan,
        receipt: None,
        follower: admitted.follower().clone(),
        said: Said::default(),
        host_uid: 0,
        launched,
        timing: Timing::default(),
    };
    let mut steps = Vec::with_capacity(spec.steps.len());
    match job.steps(spec, &mut orders, &mut steps).await {
        Err(error) => broken(spec, steps, job.learnt(), &error),
        Ok(()) => job.finish(spec, &mut orders, steps).await,
    }
}

/// What a job's outcome keeps of its running, however it ended.
#[derive(Default)]
struct Learnt {
    receipt: Option<Receipt>,
    said: Said,
    timing: Timing,
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
        approve(self, orders).await?;
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
            if let Some(about_a_program) = self.note().await? {
                return Ok(about_a_program);
            }
        }
    }

    /// Until the container stands as it will be for the job's programs.
    pub(crate) async fn stands(&mut self) -> Result<Receipt, Broken> {
        loop {
            if let Some(receipt) = &self.receipt {
                return Ok(receipt.clone());
            }
            // Nothing was started, so nothing can be told of it.
            self.note().await?;
        }
    }

    /// The first program runs.
    pub(crate) fn started(&self, index: usize) {
        if let Some(receipt) =
            self.receipt.as_ref().filter(|_| index == 0 && self.follower.is_asked(Hook::OnStarted))
        {
            self.follower.started(&Arc::new(receipt.clone()));
        }
    }

    /// Receives one report and takes note of it; gives it back where it is about a program.
    async fn note(&mut self) -> Result<Option<(Report, Vec<OwnedFd>)>, Broken> {
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
            report => return Ok(Some((report, fds))),
        }
        Ok(None)
    }

    fn learnt(self) -> Learnt {
        Learnt { receipt: self.receipt, said: self.said, timing: self.timing }
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
        let (artifacts, artifact_errors) = match collected {
            Ok(collected) => collected,
            Err(error) => return broken(spec, steps, self.learnt(), &error),
        };
        let Learnt { receipt: isolation, said: Said { decisions: policy, warnings }, timing } = self.learnt();
        Outcome { status, cause, steps, artifacts, artifact_errors, policy, warnings, isolation, timing }
    }
}

fn broken(spec: &JobSpec, mut steps: Vec<StepResult>, learnt: Learnt, error: &Broken) -> Outcome {
    let (status, cause) = verdict::of_broken(spec, error);
    skip_rest(&mut steps, &spec.steps);
    let Learnt { receipt: isolation, said: Said { decisions: policy, warnings }, timing } = learnt;
    let (artifacts, artifact_errors, cause) = (Vec::new(), Vec::new(), Some(cause));
    Outcome { status, cause, steps, artifacts, artifact_errors, policy, warnings, isolation, timing }
}

fn skip_rest(done: &mut Vec<StepResult>, all: &[StepSpec]) {
    done.extend(all[done.len()..].iter().map(verdict::skipped));
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
