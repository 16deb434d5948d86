//! The daemon's side of one sandbox: its socket, and what was learnt on it.

use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use model::{Happened, Receipt};
use nix::errno::Errno;
use sandbox::cgroup::Freezer;
use sandbox::protocol::{Order, Report};
use sandbox::{LaunchPlan, Sources, Step};
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::broken::Broken;
use crate::control::Control;
use crate::orders::Orders;
use crate::step::START_GRACE;
use crate::{Changes, Inner, Watch, micros};

/// Dropping it ends the sandbox and whatever runs in it.
pub(crate) struct Container {
    pub(crate) inner: Arc<Inner>,
    control: Control,
    pub(crate) handles: Vec<StepHandles>,
    plan: LaunchPlan,
    /// Once every step of the plan was done.
    pub(crate) receipt: Option<Receipt>,
    pub(crate) setup_us: u64,
    /// As init told them.
    pub(crate) built: Vec<(Step, u32)>,
    /// Its number among the launcher's, once it was cloned.
    pub(crate) slot: u32,
    host_uid: u32,
    launched: Instant,
    watch: Arc<dyn Watch>,
    /// Its changes, at least once.
    handed_out: bool,
    _counted: Counted,
}

/// Among the sandboxes that there are.
struct Counted(Arc<Inner>);

impl Counted {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.sandboxes.fetch_add(1, Relaxed);
        Self(Arc::clone(inner))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.sandboxes.fetch_sub(1, Relaxed);
    }
}

/// What the launcher left us of one step's cgroup.
#[derive(Debug, Default)]
pub(crate) struct StepHandles {
    pub(crate) cpu: Option<OwnedFd>,
    pub(crate) kill: Option<OwnedFd>,
    pub(crate) freezer: Option<Freezer>,
}

/// A plan that the launcher was sent.
pub(crate) struct Sent {
    control: Control,
    since: Instant,
}

/// `over` is the slot of the sandbox whose workspace it is over, if it is a case's. Until the launcher takes it, which one
/// that is stuck does not, or the job is to end.
pub(crate) async fn launch(
    inner: &Inner,
    plan: &LaunchPlan,
    over: Option<u32>,
    orders: &mut Orders,
) -> Result<Sent, Broken> {
    let since = Instant::now();
    let socket = tokio::select! {
        biased;
        taken = timeout(START_GRACE, taken(inner, plan, over)) => taken.map_err(|_| Broken::Silent(START_GRACE))??,
        () = orders.cancelled() => return Err(Broken::Cancelled),
    };
    Ok(Sent { control: Control::new(socket)?, since })
}

async fn taken(inner: &Inner, plan: &LaunchPlan, over: Option<u32>) -> Result<OwnedFd, Broken> {
    loop {
        match inner.launcher.launch(plan, over) {
            Ok(socket) => return Ok(socket),
            Err(error) if error.kind() == ErrorKind::WouldBlock => writable(inner.launcher.socket()).await?,
            Err(error) if is_gone(&error) => return Err(Broken::Lost),
            Err(error) => return Err(error.into()),
        }
    }
}

impl Container {
    pub(crate) fn new(inner: Arc<Inner>, plan: LaunchPlan, sent: Sent, watch: Arc<dyn Watch>) -> Self {
        let Sent { control, since } = sent;
        let (handles, receipt) = (Vec::new(), None);
        let counted = Counted::new(&inner);
        Self {
            inner,
            control,
            handles,
            plan,
            receipt,
            setup_us: 0,
            built: Vec::new(),
            slot: 0,
            host_uid: 0,
            launched: since,
            watch,
            handed_out: false,
            _counted: counted,
        }
    }

    /// What its plan was made over.
    pub(crate) fn sources(&self) -> Sources {
        let volumes = self.plan.volumes.iter().map(|volume| volume.id.clone()).collect();
        Sources { image: self.plan.root.image.clone(), volumes }
    }

    pub(crate) fn send(&self, order: &Order, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.control.send(order, fds)
    }

    /// An order that found nobody says nothing of why; what the other end has said last does.
    pub(crate) async fn explained(&mut self, error: Broken) -> Broken {
        match error {
            Broken::Io(error) if is_gone(&error) => self.fate().await,
            other => other,
        }
    }

    /// Why it ended, once it has; to be asked while no program runs in it. May be dropped and asked again.
    pub(crate) async fn fate(&mut self) -> Broken {
        loop {
            if let Err(fate) = self.note().await {
                return fate;
            }
        }
    }

    /// Whether [`Self::fate`] is there to be read.
    pub(crate) fn is_over(&self) -> bool {
        self.control.is_closed()
    }

    pub(crate) fn into_plan(self) -> LaunchPlan {
        self.plan
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

    /// Has what the job has changed given to its watch.
    pub(crate) async fn hand_out(&mut self) -> Result<(), Broken> {
        self.handed_out = false;
        self.send(&Order::Changes, &[])?;
        while !self.handed_out {
            self.note().await?;
        }
        Ok(())
    }

    /// Receives one report and takes note of it; gives it back where it is about a program.
    async fn note(&mut self) -> Result<Option<(Report, Vec<OwnedFd>)>, Broken> {
        let (report, fds) = self.control.receive().await?.ok_or(Broken::Lost)?;
        match report {
            Report::Cloned { slot, host_uid, handles } => {
                (self.slot, self.host_uid) = (slot, host_uid);
                let mut fds = fds.into_iter().skip(1);
                let mut take = |there: bool| if there { fds.next() } else { None };
                let taken = handles.steps.iter().map(|step| StepHandles {
                    cpu: take(step.cpu),
                    kill: take(step.kill),
                    freezer: step.freezer.and_then(|version| Some(Freezer::new(take(true)?, version))),
                });
                self.handles = taken.collect();
            }
            Report::Ready { steps_us } => {
                self.built = steps_us;
                self.ready();
            }
            Report::Changes => {
                let mut fds = fds;
                let workspace = fds.pop().ok_or(Broken::Ended)?;
                self.handed_out = true;
                self.watch.changes(Changes { root: fds.pop(), workspace });
            }
            Report::Failed(error) => return Err(error.into()),
            Report::Gone { out_of_memory: true } => return Err(Broken::Memory),
            Report::Gone { out_of_memory: false } => return Err(Broken::Ended),
            report => return Ok(Some((report, fds))),
        }
        Ok(None)
    }

    fn ready(&mut self) {
        self.setup_us = micros(self.launched.elapsed());
        let receipt = self.plan.receipt(self.inner.launcher.host(), self.host_uid);
        self.watch
            .happened(Happened::Ready { isolation: Box::new(receipt.clone()), setup_us: self.setup_us });
        self.receipt = Some(receipt);
    }
}

/// As sockets say it whose other end is closed, and groups that were removed.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
        || error.raw_os_error() == Some(Errno::ENODEV as i32)
}

/// Rarely waited for, so registered for the while.
async fn writable(socket: BorrowedFd<'_>) -> io::Result<()> {
    let socket = std::os::unix::net::UnixDatagram::from(socket.try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    // Not its type, but its readiness: see `control.rs`.
    UnixDatagram::from_std(socket)?.writable().await
}
