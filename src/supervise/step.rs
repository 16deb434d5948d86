//! One program: started, watched, and ended at its limit.

use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::time::Duration;

use admission::Follower;
use model::{Hook, OnOutputLimit, StepSpec};
use sandbox::cgroup::RunState;
use sandbox::protocol::{Order as InitOrder, Report, StepExit};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::account::{Account, Begun};
use crate::broken::Broken;
use crate::container::Container;
use crate::deadline::{Deadlines, Reached};
use crate::orders::{Orders, Wish};
use crate::output::{self, Kept};
use crate::stdio::{self, Inside, Outside};
use crate::{Io, inputs, micros, tty};

/// After a kill, how long init may take to report. The kernel delivers SIGKILL in microseconds; past this something is
/// wrong with the host, and closing the socket takes the sandbox down.
const REPORT_GRACE: Duration = Duration::from_secs(5);
/// How long a sandbox may take to stand and start the program; milliseconds, unless the host is in trouble.
pub(crate) const START_GRACE: Duration = Duration::from_mins(1);

/// Why Stockade ended a program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Killed {
    Wall,
    Cpu,
    Output,
    Cancelled,
}

/// How a program ended; with what it printed, everything that the verdict is made from.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: StepExit,
    pub(crate) killed: Option<Killed>,
}

/// What is run, and how.
#[derive(Clone, Copy)]
pub(crate) struct Program<'a> {
    pub(crate) step: &'a StepSpec,
    /// In the container's plan.
    pub(crate) index: usize,
    pub(crate) on_output_limit: OnOutputLimit,
    pub(crate) io: Io,
    pub(crate) tty: bool,
    /// Told when it runs.
    pub(crate) follower: Option<&'a Follower>,
}

pub(crate) async fn run(
    container: &mut Container,
    orders: &mut Orders,
    program: Program<'_>,
    account: &mut Account,
) -> Result<Ended, Broken> {
    let order = InitOrder::Run {
        step: u16::try_from(program.index).unwrap_or(u16::MAX),
        terminal: if program.tty { tty::size() } else { (0, 0) },
    };
    let outside = if program.tty {
        container.send(&order, &[])?;
        None
    } else {
        let (inside, outside) = stdio::pipes(stdin(container, &program)?)?;
        let Inside { stdin, stdout, stderr } = &inside;
        container.send(&order, &[stdin.as_fd(), stdout.as_fd(), stderr.as_fd()])?;
        Some(outside)
    };
    let over = Notify::new();
    let Account { begun, stdout, stderr } = account;
    let mut life = Life { program, over: &over, orders, begun, deadlines: None };
    let (exit, mut killed) = match outside {
        Some(outside) => {
            let pump = pump(outside, program.io, stdout, stderr, &over);
            life.until_exit(container, pump).await?
        }
        None => life.terminal(container, stdout).await?,
    };
    // Also when it ended by itself before anybody was told: the verdict must not depend on who was faster.
    if program.on_output_limit == OnOutputLimit::Kill && (stdout.is_over() || stderr.is_over()) {
        killed = killed.or(Some(Killed::Output));
    }
    Ok(Ended { exit, killed })
}

fn stdin(container: &Container, program: &Program<'_>) -> std::io::Result<Option<OwnedFd>> {
    match (program.io, &*program.step.stdin) {
        (Io::Relay | Io::Report, _) => Ok(None),
        (Io::Capture, []) => container.inner.null.try_clone().map(Some),
        (Io::Capture, contents) => inputs::stdin(contents).map(Some),
    }
}

/// Ends when nobody holds the program's side any more.
async fn pump(outside: Outside, io: Io, stdout: &mut Kept, stderr: &mut Kept, over: &Notify) {
    let outputs = async {
        if io == Io::Relay {
            let relayed = output::relay(outside.stdout, tokio::io::stdout(), stdout);
            tokio::join!(relayed, output::relay(outside.stderr, tokio::io::stderr(), stderr));
        } else {
            tokio::join!(
                output::keep(outside.stdout, stdout, over),
                output::keep(outside.stderr, stderr, over)
            );
        }
    };
    // Our own stdin may stay open long after the program is gone.
    tokio::select! {
        () = outputs => (),
        () = feed(outside.stdin) => (),
    }
}

/// Passes our stdin on; then waits for ever, since the end of input is not the end of output.
async fn feed(to: Option<tokio::net::unix::pipe::Sender>) {
    if let Some(mut to) = to {
        let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut to).await;
    }
    std::future::pending::<()>().await;
}

/// A program from its order to its end.
struct Life<'a> {
    program: Program<'a>,
    over: &'a Notify,
    orders: &'a mut Orders,
    begun: &'a Begun,
    /// Once it runs.
    deadlines: Option<Deadlines>,
}

impl Life<'_> {
    /// Until init has reported the exit and the last byte of output is read. Init reports when every process of the step
    /// is dead, so a grandchild that held stdout delays nothing.
    async fn until_exit(
        &mut self,
        container: &mut Container,
        pump: impl Future<Output = ()>,
    ) -> Result<(StepExit, Option<Killed>), Broken> {
        let mut pump = pin!(pump);
        let mut pumping = true;
        let mut killed = None;
        let mut give_up = self.deadlines.is_none().then(|| Instant::now() + START_GRACE);
        let mut exit = loop {
            let kill = tokio::select! {
                report = container.next() => match report?.0 {
                    Report::Started { .. } => {
                        self.started(container)?;
                        give_up = give_up.filter(|_| killed.is_some());
                        None
                    }
                    Report::Exited(exit) => break exit,
                    _ => None,
                },
                // Not before it has started: what it prints is told after that it runs.
                () = &mut pump, if pumping && self.deadlines.is_some() => { pumping = false; None }
                reached = maybe(self.deadlines.as_mut().map(Deadlines::reached)), if killed.is_none() => {
                    Some(match reached {
                        Reached::Wall => Killed::Wall,
                        Reached::Cpu => Killed::Cpu,
                    })
                }
                () = self.over.notified(), if self.program.on_output_limit == OnOutputLimit::Kill => Some(Killed::Output),
                wish = self.orders.next() => self.obey(container, wish)?,
                () = maybe(give_up.map(sleep_until)) => return Err(given_up(killed)),
            };
            if let Some(reason) = kill.filter(|_| killed.is_none()) {
                killed = Some(reason);
                give_up = Some(Instant::now() + REPORT_GRACE);
                self.kill(container)?;
            }
        };
        self.begun.tell();
        let held_back = self.deadlines.as_ref().map_or(Duration::ZERO, Deadlines::held_back);
        exit.wall_us = exit.wall_us.saturating_sub(micros(held_back));
        if pumping {
            pump.await;
        }
        Ok((exit, killed))
    }

    async fn terminal(
        &mut self,
        container: &mut Container,
        stdout: &mut Kept,
    ) -> Result<(StepExit, Option<Killed>), Broken> {
        let started = tokio::select! {
            report = tokio::time::timeout(START_GRACE, container.next()) => report.map_err(|_| Broken::Silent(START_GRACE))?,
            _ = self.orders.next() => return Err(Broken::Ended),
        };
        let (report, mut fds) = started?;
        let (Report::Started { .. }, Some(outside)) = (report, fds.pop()) else { return Err(Broken::Ended) };
        self.started(container)?;
        self.until_exit(container, tty::relay(outside, stdout)).await
    }

    fn started(&mut self, container: &mut Container) -> Result<(), Broken> {
        // The launcher announces them before init has the job.
        let handles = container.handles.get_mut(self.program.index).ok_or(Broken::Ended)?;
        let limited = container.inner.launcher.host().cgroup.controllers.iter().any(|c| c == "cpu");
        let deadlines = Deadlines::new(&self.program.step.limits, handles.cpu.take(), limited);
        self.deadlines = Some(deadlines);
        self.begun.tell();
        if let (Some(follower), Some(receipt)) = (self.program.follower, &container.receipt)
            && follower.is_asked(Hook::OnStarted)
        {
            follower.started(&std::sync::Arc::new(receipt.clone()));
        }
        // Held back before it was there to be frozen.
        if self.orders.are_paused() { self.freeze(container) } else { Ok(()) }
    }

    fn obey(&mut self, container: &Container, wish: Wish) -> Result<Option<Killed>, Broken> {
        match wish {
            Wish::Cancel => return Ok(Some(Killed::Cancelled)),
            Wish::Signal(number) => container.send(&InitOrder::Signal(number), &[])?,
            Wish::Changes => container.send(&InitOrder::Changes, &[])?,
            Wish::Pause => self.freeze(container)?,
            Wish::Resume => self.thaw(container)?,
        }
        Ok(None)
    }

    /// Clock and program stop together; before the program runs, [`Self::started`] does it.
    fn freeze(&mut self, container: &Container) -> Result<(), Broken> {
        if let Some(deadlines) = &mut self.deadlines {
            set(container, self.program.index, RunState::Frozen)?;
            deadlines.pause();
        }
        Ok(())
    }

    fn thaw(&mut self, container: &Container) -> Result<(), Broken> {
        if let Some(deadlines) = &mut self.deadlines {
            deadlines.resume();
            set(container, self.program.index, RunState::Running)?;
        }
        Ok(())
    }

    /// By cgroup.kill where there is one: it needs nobody's help. By init all the same: on cgroup v1 there is none, and
    /// a frozen process dies there only once it is thawed.
    fn kill(&self, container: &Container) -> std::io::Result<()> {
        let handles = container.handles.get(self.program.index);
        if let Some(kill) = handles.and_then(|handles| handles.kill.as_ref()) {
            nix::unistd::write(kill, b"1")?;
        }
        container.send(&InitOrder::Kill, &[])?;
        if self.orders.are_paused() { set(container, self.program.index, RunState::Running) } else { Ok(()) }
    }
}

/// A cancelled job has ended as asked, whatever its sandbox does: closing the socket takes it down.
fn given_up(killed: Option<Killed>) -> Broken {
    match killed {
        Some(Killed::Cancelled) => Broken::Cancelled,
        Some(_) => Broken::Silent(REPORT_GRACE),
        None => Broken::Silent(START_GRACE),
    }
}

fn set(container: &Container, index: usize, state: RunState) -> std::io::Result<()> {
    match container.handles.get(index).and_then(|handles| handles.freezer.as_ref()) {
        Some(freezer) => freezer.set(state),
        None => Ok(()),
    }
}

/// Never ready where there is nothing to wait for.
async fn maybe<T>(future: Option<impl Future<Output = T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
