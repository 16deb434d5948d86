//! One job from its launch to its outcome.

use std::fmt;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use admission::Admitted;
use model::{Cause, JobSpec, Status, StepResult, StepSpec, Timing};
use sandbox::protocol::Order as InitOrder;
use sandbox::{LaunchPlan, Step};
use tokio::sync::mpsc;

use crate::account::{Account, tell_end};
use crate::approve::{Said, approve};
use crate::broken::Broken;
use crate::container::{self, Container};
use crate::orders::Orders;
use crate::step::{self, Killed, Program};
use crate::{Inner, Io, Lanes, Order, Outcome, Watch, artifacts, cases, inputs, micros, verdict};

/// Everything that a job is run with.
pub(crate) struct Call {
    pub(crate) inner: Arc<Inner>,
    pub(crate) admitted: Arc<Admitted<JobSpec>>,
    pub(crate) plan: LaunchPlan,
    pub(crate) io: Io,
    pub(crate) orders: Orders,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) lanes: Arc<dyn Lanes>,
}

/// A job that was lost, for [`crate::Supervisor::again`].
pub struct Again {
    pub(crate) admitted: Arc<Admitted<JobSpec>>,
    pub(crate) plan: LaunchPlan,
    pub(crate) orders: Orders,
}

impl Again {
    /// For whoever does not run it again, but still answers for it.
    pub fn into_orders(self) -> mpsc::Receiver<Order> {
        self.orders.into_inbox()
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// A job whose sandbox was launched.
pub(crate) struct Running {
    pub(crate) container: Container,
    pub(crate) admitted: Arc<Admitted<JobSpec>>,
    pub(crate) orders: Orders,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) lanes: Arc<dyn Lanes>,
    io: Io,
    pub(crate) said: Said,
    timing: Timing,
    /// Bytes of outputs of cases that may still be kept.
    pub(crate) case_output_left: usize,
}

/// A job whose sandbox is on its way, or could not be launched. None of its programs is started before [`Launched::run`]; to
/// drop it is to end the sandbox.
pub struct Launched(Result<Running, Outcome>);

impl fmt::Debug for Launched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Launched").field(&self.0.is_ok()).finish()
    }
}

pub(crate) async fn launch(call: Call) -> Launched {
    let Call { inner, admitted, plan, io, mut orders, watch, lanes } = call;
    let container = match container::launch(&inner, &plan, None, &mut orders).await {
        Ok(sent) => Container::new(inner, plan, sent, Arc::clone(&watch)),
        Err(error) => {
            let error = error.unless_cancelled(&mut orders);
            let outcome = broken(admitted.spec(), Vec::new(), Learnt::default(), &error);
            let again = Again { admitted, plan, orders: orders.afresh() };
            let again = Some(again).filter(|_| outcome.status == Status::Lost);
            return Launched(Err(Outcome { again, ..outcome }));
        }
    };
    Launched(Ok(Running {
        container,
        admitted,
        orders,
        watch,
        lanes,
        io,
        said: Said::default(),
        timing: Timing::default(),
        case_output_left: cases::MOST_OUTPUT,
    }))
}

impl Launched {
    /// Takes note of what its sandbox reports, until `done`.
    pub async fn until(self, done: impl Future<Output = ()>) -> Self {
        let mut job = match self.0 {
            Ok(job) => job,
            broken => return Self(broken),
        };
        let error = tokio::select! {
            biased;
            () = done => return Self(Ok(job)),
            error = job.container.fate() => error,
        };
        Self(Err(job.outcome(Err(error), Vec::new()).await))
    }

    /// To its end. Dropping the future ends the job.
    pub async fn run(self) -> Outcome {
        let mut job = match self.0 {
            Ok(job) => job,
            Err(outcome) => return outcome,
        };
        let mut steps = Vec::with_capacity(job.spec().steps.len());
        let ended = job.steps(&mut steps).await;
        job.outcome(ended, steps).await
    }
}

/// What a job's outcome keeps of its running, however it ended.
#[derive(Default)]
struct Learnt {
    receipt: Option<model::Receipt>,
    built: Vec<(Step, u32)>,
    said: Said,
    timing: Timing,
}

impl Learnt {
    /// Without artifacts, and as it is: not to be run again.
    fn outcome(self, status: Status, cause: Option<Cause>, steps: Vec<StepResult>) -> Outcome {
        let Self { receipt: isolation, built, said: Said { decisions: policy, warnings }, timing } = self;
        Outcome {
            status,
            cause,
            steps,
            artifacts: Vec::new(),
            artifact_errors: Vec::new(),
            policy,
            warnings,
            isolation,
            built,
            timing,
            again: None,
        }
    }
}

impl Running {
    pub(crate) fn spec(&self) -> &JobSpec {
        self.admitted.spec()
    }

    async fn steps(&mut self, done: &mut Vec<StepResult>) -> Result<(), Broken> {
        let admitted = Arc::clone(&self.admitted);
        let spec = admitted.spec();
        if !spec.files.is_empty() {
            let (entries, contents) = inputs::pack(&spec.files)?;
            self.container.send(&InitOrder::Files(entries), &[contents.as_fd()])?;
        }
        approve(self).await?;
        for (index, step) in spec.steps.iter().enumerate() {
            self.orders.until_resumed().await?;
            let since = Instant::now();
            let cancelled = self.step(index, step, done).await?;
            let result = &done[index];
            // Cases may run beside each other, and their sandboxes take time too.
            let wall_us =
                if step.cases.is_empty() { result.usage.wall_time_us } else { micros(since.elapsed()) };
            self.timing.run_us += wall_us;
            if result.status != Status::Succeeded {
                break;
            }
            if cancelled && done.len() < spec.steps.len() {
                return Err(Broken::Cancelled);
            }
        }
        Ok(())
    }

    /// Adds the step to those that are done; whether it was to be cancelled, and may have succeeded all the same.
    async fn step(
        &mut self,
        index: usize,
        step: &StepSpec,
        done: &mut Vec<StepResult>,
    ) -> Result<bool, Broken> {
        let mut account = Account::live(&self.watch, step);
        let ended = if step.cases.is_empty() {
            self.program(index, step, &mut account).await
        } else {
            cases::run(self, index, step, &account.begun).await
        };
        let begun = account.begun.is();
        let (mut result, cancelled) = match ended {
            Ok((result, cancelled)) => (result, Ok(cancelled)),
            Err(error) => {
                let error = self.explained(error).await;
                (verdict::interrupted(step, verdict::most_memory(self.spec()), &error), Err(error))
            }
        };
        (result.stdout, result.stderr) = (account.stdout.finish(), account.stderr.finish());
        if begun {
            tell_end(&*self.watch, &result);
            done.push(result);
        }
        cancelled
    }

    async fn program(
        &mut self,
        index: usize,
        step: &StepSpec,
        account: &mut Account,
    ) -> Result<(StepResult, bool), Broken> {
        let follower = self.admitted.follower();
        let program = Program {
            step,
            index,
            on_output_limit: self.admitted.spec().on_output_limit,
            io: self.io,
            tty: self.admitted.spec().tty,
            follower: Some(follower).filter(|_| index == 0),
        };
        let ended = step::run(&mut self.container, &mut self.orders, program, account).await?;
        Ok((verdict::of(step, &ended, account), ended.killed == Some(Killed::Cancelled)))
    }

    fn learnt(&mut self) -> Learnt {
        let timing = Timing { setup_us: self.container.setup_us, ..std::mem::take(&mut self.timing) };
        Learnt {
            receipt: self.container.receipt.take(),
            built: std::mem::take(&mut self.container.built),
            said: std::mem::take(&mut self.said),
            timing,
        }
    }

    async fn explained(&mut self, error: Broken) -> Broken {
        self.container.explained(error).await.unless_cancelled(&mut self.orders)
    }

    async fn broken(&mut self, steps: Vec<StepResult>, error: Broken) -> Outcome {
        let error = self.explained(error).await;
        broken(Arc::clone(&self.admitted).spec(), steps, self.learnt(), &error)
    }

    async fn outcome(mut self, ended: Result<(), Broken>, steps: Vec<StepResult>) -> Outcome {
        let outcome = match ended {
            Err(error) => self.broken(steps, error).await,
            Ok(()) => self.finish(steps).await,
        };
        let again = (outcome.status == Status::Lost).then(|| self.again());
        Outcome { again, ..outcome }
    }

    fn again(self) -> Again {
        let Self { container, admitted, orders, .. } = self;
        Again { admitted, plan: container.into_plan(), orders: orders.afresh() }
    }

    async fn finish(&mut self, mut steps: Vec<StepResult>) -> Outcome {
        let since = Instant::now();
        let admitted = Arc::clone(&self.admitted);
        let spec = admitted.spec();
        let collected = artifacts::collect(&mut self.container, &mut self.orders, &spec.artifacts).await;
        self.timing.collect_us = micros(since.elapsed());
        let (status, cause) = verdict::of_job(&steps);
        if status == Status::Succeeded
            && spec.commit.is_some()
            && let Err(error) = self.container.hand_out().await
        {
            return self.broken(steps, error).await;
        }
        skip_rest(&mut steps, &spec.steps);
        let (artifacts, artifact_errors) = match collected {
            Ok(collected) => collected,
            Err(error) => return self.broken(steps, error).await,
        };
        Outcome { artifacts, artifact_errors, ..self.learnt().outcome(status, cause, steps) }
    }
}

fn broken(spec: &JobSpec, mut steps: Vec<StepResult>, learnt: Learnt, error: &Broken) -> Outcome {
    let (status, cause) = verdict::of_broken(verdict::most_memory(spec), error);
    skip_rest(&mut steps, &spec.steps);
    learnt.outcome(status, Some(cause), steps)
}

fn skip_rest(done: &mut Vec<StepResult>, all: &[StepSpec]) {
    done.extend(all[done.len()..].iter().map(verdict::skipped));
}
