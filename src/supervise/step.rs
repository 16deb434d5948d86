//! One program: started, watched, and ended at its limit.

use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::time::Duration;

use model::{JobSpec, OnOutputLimit};
use sandbox::protocol::{Order as InitOrder, Report, StepExit};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use crate::deadline::{Deadlines, Reached};
use crate::job::{Broken, Running};
use crate::output::{self, Kept};
use crate::stdio::{self, Inside, Outside};
use crate::{Io, Order, inputs, tty};

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

/// Everything the verdict is made from.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: StepExit,
    pub(crate) killed: Option<Killed>,
    pub(crate) stdout: Kept,
    pub(crate) stderr: Kept,
}

pub(crate) async fn run(
    job: &mut Running<'_>,
    orders: &mut mpsc::Receiver<Order>,
    spec: &JobSpec,
    index: usize,
) -> Result<Ended, Broken> {
    let limits = &spec.steps[index].limits;
    let (mut stdout, mut stderr) = (Kept::new(limits.output_bytes), Kept::new(limits.output_bytes));
    let order = InitOrder::Run {
        step: u16::try_from(index).unwrap_or(u16::MAX),
        terminal: if job.tty { tty::size() } else { (0, 0) },
    };
    let outside = if job.tty {
        job.control.send(&order, &[])?;
        None
    } else {
        let (inside, outside) = stdio::pipes(stdin(job, &spec.steps[index].stdin)?)?;
        let Inside { stdin, stdout, stderr } = &inside;
        job.control.send(&order, &[stdin.as_fd(), stdout.as_fd(), stderr.as_fd()])?;
        Some(outside)
    };
    let over = Notify::new();
    let mut watch = Watch { on_output_limit: spec.on_output_limit, over: &over, orders, limits, index };
    let (exit, mut killed) = match outside {
        Some(outside) => {
            let pump = pump(outside, job.io, &mut stdout, &mut stderr, &over);
            watch.until_exit(job, pump, None).await?
        }
        None => watch.terminal(job, &mut stdout).await?,
    };
    // Also when it ended by itself before anybody was told: the verdict must not depend on who was faster.
    if spec.on_output_limit == OnOutputLimit::Kill && (stdout.is_over() || stderr.is_over()) {
        killed = killed.or(Some(Killed::Output));
    }
    Ok(Ended { exit, killed, stdout, stderr })
}

fn stdin(job: &Running<'_>, contents: &[u8]) -> std::io::Result<Option<OwnedFd>> {
    match (job.io, contents) {
        (Io::Relay | Io::Report, _) => Ok(None),
        (Io::Capture, []) => job.inner.null.try_clone().map(Some),
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

struct Watch<'a> {
    on_output_limit: OnOutputLimit,
    over: &'a Notify,
    orders: &'a mut mpsc::Receiver<Order>,
    limits: &'a model::Limits,
    index: usize,
}

impl Watch<'_> {
    /// Until init has reported the exit and the last byte of output is read. Init reports when every process of the step
    /// is dead, so a grandchild that held stdout delays nothing.
    async fn until_exit(
        &mut self,
        job: &mut Running<'_>,
        pump: impl Future<Output = ()>,
        started: Option<Deadlines>,
    ) -> Result<(StepExit, Option<Killed>), Broken> {
        let mut pump = pin!(pump);
        let mut pumping = true;
        let mut killed = None;
        let mut give_up = started.is_none().then(|| Instant::now() + START_GRACE);
        let mut deadlines = started;
        let exit = loop {
            let kill = tokio::select! {
                report = job.next() => match report?.0 {
                    Report::Started { .. } => {
                        deadlines = Some(self.deadlines(job)?);
                        job.started(self.index);
                        give_up = give_up.filter(|_| killed.is_some());
                        None
                    }
                    Report::Exited(exit) => break exit,
                    _ => None,
                },
                () = &mut pump, if pumping => { pumping = false; None }
                reached = maybe(deadlines.as_mut().map(Deadlines::reached)), if killed.is_none() => Some(match reached {
                    Reached::Wall => Killed::Wall,
                    Reached::Cpu => Killed::Cpu,
                }),
                () = self.over.notified(), if self.on_output_limit == OnOutputLimit::Kill => Some(Killed::Output),
                Some(order) = self.orders.recv() => match order {
                    Order::Cancel => Some(Killed::Cancelled),
                    Order::Signal(number) => { job.control.send(&InitOrder::Signal(number), &[])?; None }
                },
                () = maybe(give_up.map(sleep_until)) => return Err(Broken::Ended),
            };
            if let Some(reason) = kill.filter(|_| killed.is_none()) {
                killed = Some(reason);
                give_up = Some(Instant::now() + REPORT_GRACE);
                kill_step(job, self.index)?;
            }
        };
        if pumping {
            pump.await;
        }
        Ok((exit, killed))
    }

    async fn terminal(
        &mut self,
        job: &mut Running<'_>,
        stdout: &mut Kept,
    ) -> Result<(StepExit, Option<Killed>), Broken> {
        let started = tokio::select! {
            report = tokio::time::timeout(START_GRACE, job.next()) => report.map_err(|_| Broken::Ended)?,
            Some(_) = self.orders.recv() => return Err(Broken::Ended),
        };
        let (report, mut fds) = started?;
        let (Report::Started { .. }, Some(outside)) = (report, fds.pop()) else { return Err(Broken::Ended) };
        let deadlines = self.deadlines(job)?;
        job.started(self.index);
        self.until_exit(job, tty::relay(outside, stdout), Some(deadlines)).await
    }

    /// From now on.
    fn deadlines(&self, job: &mut Running<'_>) -> Result<Deadlines, Broken> {
        // The launcher announces them before init has the job.
        let handles = job.handles.get_mut(self.index).ok_or(Broken::Ended)?;
        let limited = job.inner.launcher.host().cgroup.controllers.iter().any(|c| c == "cpu");
        Ok(Deadlines::new(self.limits, handles.cpu.take(), limited))
    }
}

/// By cgroup.kill where there is one: it needs nobody's help. By init all the same: on cgroup v1 there is none.
fn kill_step(job: &Running<'_>, index: usize) -> std::io::Result<()> {
    if let Some(kill) = job.handles.get(index).and_then(|handles| handles.kill.as_ref()) {
        nix::unistd::write(kill, b"1")?;
    }
    job.control.send(&InitOrder::Kill, &[])
}

/// Never ready where there is nothing to wait for.
async fn maybe<T>(future: Option<impl Future<Output = T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
