//! One case, from its sandbox to its verdict.

use std::os::fd::AsFd;
use std::sync::Arc;

use admission::Admitted;
use model::{CaseResult, CaseSpec, Cause, Expect, FileSpec, JobSpec, Judge, Status, StepResult, StepSpec};
use nix::errno::Errno;
use sandbox::protocol::Order as InitOrder;
use sandbox::{Sources, Step, StepError};

use super::Done;
use super::checker::{self, Checked};
use crate::account::Account;
use crate::broken::Broken;
use crate::compare::{Difference, compare};
use crate::container::{self, Container};
use crate::orders::Orders;
use crate::output::Kept;
use crate::step::{self, Ended, Program};
use crate::{Inner, Io, NoWatch, inputs, verdict};

/// More than this is compared on a thread for that.
const SMALL: usize = 64 << 10;

/// Everything that a case is run with; it holds no reference, since cases run beside each other.
pub(super) struct Case {
    pub(super) inner: Arc<Inner>,
    pub(super) admitted: Arc<Admitted<JobSpec>>,
    /// In the job.
    pub(super) step: usize,
    /// In the step.
    pub(super) index: usize,
    /// Of the sandbox whose workspace it is over.
    pub(super) slot: u32,
    /// What the job itself stands on.
    pub(super) sources: Arc<Sources>,
    pub(super) orders: Orders,
}

impl Case {
    pub(super) async fn run(mut self, own_place: bool) -> Done {
        let admitted = Arc::clone(&self.admitted);
        let step = &admitted.spec().steps[self.step];
        let case = &step.cases[self.index];
        let program = step.of_case(case);
        let (mut result, stdout, stderr) = self.program(&program, &[]).await;
        if let (Status::Succeeded, Some(expect)) = (result.status, &case.expect) {
            self.judge(step, case, expect, &stdout, &mut result).await;
        }
        Done { index: self.index, result, stdout, stderr, own_place }
    }

    /// Runs one program in a fresh sandbox, which has ended, or is about to, when this returns.
    pub(super) async fn program(
        &mut self,
        program: &StepSpec,
        files: &[FileSpec],
    ) -> (CaseResult, Kept, Kept) {
        let mut account = Account::silent(program);
        let result = match self.try_program(program, files, &mut account).await {
            Ok(ended) => verdict::of(program, &ended, &account),
            Err(error) => verdict::interrupted(program, program.limits.memory_bytes, &error),
        };
        (of_step(result), account.stdout, account.stderr)
    }

    async fn try_program(
        &mut self,
        program: &StepSpec,
        files: &[FileSpec],
        account: &mut Account,
    ) -> Result<Ended, Broken> {
        self.orders.until_resumed().await?;
        let spec = self.admitted.spec();
        let plan = self.inner.planner(&self.sources).plan_case(spec, program)?;
        let sent = container::launch(&self.inner, &plan, Some(self.slot), &mut self.orders).await?;
        let mut container = Container::new(Arc::clone(&self.inner), plan, sent, Arc::new(NoWatch));
        let (on_output_limit, io) = (spec.on_output_limit, Io::Capture);
        let program = Program { step: program, index: 0, on_output_limit, io, tty: false, follower: None };
        match in_container(&mut container, files, &mut self.orders, program, account).await {
            Err(error) => Err(lost_with_its_job(container.explained(error).await)),
            ended => ended,
        }
    }

    /// Of a program that ended well: whether it printed what was expected.
    async fn judge(
        &mut self,
        step: &StepSpec,
        case: &CaseSpec,
        expect: &Expect,
        stdout: &Kept,
        result: &mut CaseResult,
    ) {
        if stdout.is_over() {
            let detail = "it printed more than `output_bytes`, so what it printed cannot be judged";
            (result.status, result.cause) = (Status::WrongOutput, Some(Cause::new("output", detail)));
            return;
        }
        match &expect.by {
            Judge::Compare { how, epsilon } => {
                if let Some(difference) = self.compare(*how, *epsilon, stdout.all()).await {
                    let cause = Cause::new("output", difference);
                    (result.status, result.cause) = (Status::WrongOutput, Some(cause));
                }
            }
            Judge::Checker { command, limits } => {
                let input = case.stdin.as_ref().unwrap_or(&step.stdin);
                let files = checker::files(input, stdout.all(), &expect.stdout);
                let program = checker::program(step, case, command, limits);
                let (checked, stdout, stderr) = self.program(&program, &files).await;
                let Checked { status, cause, said } = checker::verdict(checked, &stdout, &stderr);
                (result.status, result.cause, result.checker) = (status, cause, Some(said));
            }
        }
    }

    async fn compare(&self, how: model::Compare, epsilon: f64, got: Vec<u8>) -> Option<String> {
        let small = got.len() <= SMALL;
        let told = |difference: Difference| difference.to_string();
        let (admitted, step, index) = (Arc::clone(&self.admitted), self.step, self.index);
        let compare = move || {
            let expect = admitted.spec().steps[step].cases[index].expect.as_ref()?;
            compare(how, epsilon, &expect.stdout, &got).err().map(told)
        };
        if small {
            return compare();
        }
        // A panic there is no yes.
        tokio::task::spawn_blocking(compare).await.unwrap_or_else(|error| Some(error.to_string()))
    }
}

/// A sandbox to be over that the launcher does not know was that of one before it.
fn lost_with_its_job(error: Broken) -> Broken {
    match error {
        Broken::Step(StepError { step: Step::Overlay, errno, .. }) if errno == Errno::ESRCH as i32 => {
            Broken::Lost
        }
        error => error,
    }
}

async fn in_container(
    container: &mut Container,
    files: &[FileSpec],
    orders: &mut Orders,
    program: Program<'_>,
    account: &mut Account,
) -> Result<Ended, Broken> {
    if !files.is_empty() {
        let (entries, contents) = inputs::pack(files)?;
        container.send(&InitOrder::Files(entries), &[contents.as_fd()])?;
    }
    step::run(container, orders, program, account).await
}

fn of_step(step: StepResult) -> CaseResult {
    let StepResult { name, status, exit_code, signal, cause, stdout, stderr, usage, .. } = step;
    CaseResult { name, status, exit_code, signal, cause, stdout, stderr, usage, checker: None }
}
