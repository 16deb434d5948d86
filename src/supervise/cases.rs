//! The cases of a step: each in a sandbox of its own over what the steps before have left in `/workspace`.
//!
//! The job's own sandbox stays as it is meanwhile, idle. One case takes the job's own place; further ones run beside it
//! while there is room for them.

mod case;
mod checker;
mod sum;

use std::sync::Arc;

use model::{CaseResult, CaseSpec, Happened, Hook, Status, StepResult, StepSpec};
use sandbox::Sources;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::account::Begun;
use crate::broken::Broken;
use crate::job::Running;
use crate::orders::{Orders, Wish};
use crate::output::Kept;
use crate::step::START_GRACE;
use crate::{NoWatch, Order};
use case::Case;
pub(crate) use sum::sum;

/// Bytes kept of what all cases of a job print; after that a case has [`SHORT`] of each stream.
pub(crate) const MOST_OUTPUT: usize = 64 << 20;
const SHORT: u64 = 1024;

/// A case that has ended.
struct Done {
    index: usize,
    /// Without outputs.
    result: CaseResult,
    stdout: Kept,
    stderr: Kept,
    /// Whether it had the job's own place.
    own_place: bool,
}

/// Cases on their way. Dropping it ends them, and their sandboxes.
struct Lanes<'a> {
    job: &'a mut Running,
    index: usize,
    slot: u32,
    sources: Arc<Sources>,
    running: JoinSet<Done>,
    /// To those that run.
    orders: Vec<(usize, mpsc::Sender<Order>)>,
    own_place_is_free: bool,
    next: usize,
    /// No further ones are begun.
    stopped: bool,
    cancelled: bool,
    results: Vec<Option<CaseResult>>,
}

/// The step as it ended, and whether it was to be cancelled.
pub(crate) async fn run(
    job: &mut Running,
    index: usize,
    step: &StepSpec,
    begun: &Begun,
) -> Result<(StepResult, bool), Broken> {
    // Only then is there a workspace to run them over.
    let receipt = tokio::select! {
        stands = timeout(START_GRACE, job.container.stands()) => stands.map_err(|_| Broken::Silent(START_GRACE))??,
        () = job.orders.cancelled() => return Err(Broken::Cancelled),
    };
    begun.tell();
    let follower = job.admitted.follower();
    if index == 0 && follower.is_asked(Hook::OnStarted) {
        follower.started(&Arc::new(receipt));
    }
    let (slot, sources) = (job.container.slot, Arc::new(job.container.sources()));
    let mut lanes = Lanes {
        job,
        index,
        slot,
        sources,
        running: JoinSet::new(),
        orders: Vec::new(),
        own_place_is_free: true,
        next: 0,
        stopped: false,
        cancelled: false,
        results: step.cases.iter().map(|_| None).collect(),
    };
    lanes.drive(step).await?;
    let (results, cancelled) = (lanes.finish(step), lanes.cancelled);
    Ok((sum(step, results, cancelled), cancelled))
}

impl Lanes<'_> {
    async fn drive(&mut self, step: &StepSpec) -> Result<(), Broken> {
        loop {
            while self.begin(step) {}
            if self.running.is_empty() && (self.stopped || self.next == step.cases.len()) {
                return Ok(());
            }
            tokio::select! {
                Some(done) = self.running.join_next() => {
                    // A panic there is ours.
                    let done = done.map_err(std::io::Error::other)?;
                    self.goes_on(&done).await?;
                    self.ended(step, done);
                }
                // No program runs in it, so what it has to say is its end.
                fate = self.job.container.fate() => return Err(fate),
                wish = self.job.orders.next() => self.pass_on(wish).await,
            }
        }
    }

    /// A case that went with the job's own sandbox, or with the launcher of both, says nothing: the job has no end yet.
    async fn goes_on(&mut self, done: &Done) -> Result<(), Broken> {
        if self.job.container.is_over() {
            return Err(self.job.container.fate().await);
        }
        if done.result.status == Status::Lost { Err(Broken::Lost) } else { Ok(()) }
    }

    /// The next case, if there is one and room for it.
    fn begin(&mut self, step: &StepSpec) -> bool {
        let most = usize::try_from(step.parallel).unwrap_or(usize::MAX);
        if self.stopped || self.job.orders.are_paused() || self.running.len() >= most {
            return false;
        }
        let Some(case) = step.cases.get(self.next) else { return false };
        let room = if self.own_place_is_free { None } else { self.room(step, case) };
        if room.is_none() && !self.own_place_is_free {
            return false;
        }
        let own_place = room.is_none();
        let (to_case, inbox) = mpsc::channel(4);
        let can_pause = self.job.container.inner.launcher.host().cgroup.freeze;
        let case = Case {
            inner: Arc::clone(&self.job.container.inner),
            admitted: Arc::clone(&self.job.admitted),
            step: self.index,
            index: self.next,
            slot: self.slot,
            sources: Arc::clone(&self.sources),
            orders: Orders::new(inbox, Arc::new(NoWatch), can_pause),
        };
        self.orders.push((self.next, to_case));
        self.own_place_is_free &= !own_place;
        self.next += 1;
        self.running.spawn(async move {
            let done = case.run(own_place).await;
            drop(room);
            done
        });
        true
    }

    fn room(&self, step: &StepSpec, case: &CaseSpec) -> Option<Box<dyn Send + Sync>> {
        let limits = case.limits.within(&step.limits);
        self.job.lanes.more(limits.memory_bytes, limits.by_name("cpus").unwrap_or_default())
    }

    /// They all take orders until they end, so nobody waits for long.
    async fn pass_on(&mut self, wish: Wish) {
        let order = match wish {
            Wish::Signal(number) => Order::Signal(number),
            Wish::Cancel => Order::Cancel,
            Wish::Pause => Order::Pause,
            Wish::Resume => Order::Resume,
            // What cases change is nobody's after them.
            Wish::Changes => return,
        };
        self.cancelled |= wish == Wish::Cancel;
        self.stopped |= wish == Wish::Cancel;
        for (_, case) in &self.orders {
            // One that has just ended takes none.
            let _ = case.send(order).await;
        }
    }

    fn ended(&mut self, step: &StepSpec, done: Done) {
        let Done { index, mut result, stdout, stderr, own_place } = done;
        self.orders.retain(|(other, _)| *other != index);
        self.own_place_is_free |= own_place;
        let left = &mut self.job.case_output_left;
        let kept = stdout.length() + stderr.length();
        let (stdout, stderr) =
            if kept > *left { (stdout.cut(SHORT), stderr.cut(SHORT)) } else { (stdout, stderr) };
        *left = left.saturating_sub(kept);
        (result.stdout, result.stderr) = (stdout.finish(), stderr.finish());
        self.stopped |= step.fail_fast && result.status != Status::Succeeded;
        self.tell(step, index, &result);
        self.results[index] = Some(result);
    }

    fn tell(&self, step: &StepSpec, index: usize, case: &CaseResult) {
        let (step, case) = (step.name.clone(), Box::new(case.clone()));
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.job.watch.happened(Happened::CaseEnded { step, index, case });
    }

    /// In the order of the request, with those that were not begun.
    fn finish(&mut self, step: &StepSpec) -> Vec<CaseResult> {
        let results = std::mem::take(&mut self.results);
        let ended = results.into_iter().zip(&step.cases).enumerate().map(|(index, (result, case))| {
            result.unwrap_or_else(|| {
                let skipped = CaseResult::new(&*case.name, Status::Skipped);
                self.tell(step, index, &skipped);
                skipped
            })
        });
        ended.collect()
    }
}
