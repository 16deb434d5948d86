//! What a job's caller is told and asked while it runs.

use std::os::fd::OwnedFd;

use model::Happened;

/// Told as it happens, in order: `ready`, `step_started`, `output`, `step_ended`, `case_ended`, `paused` and `resumed`.
///
/// Called on the job's path, so it must not block.
pub trait Watch: Send + Sync {
    fn happened(&self, what: Happened);

    /// Given on [`crate::Order::Changes`], and of a job that asked to be committed when it has succeeded.
    fn changes(&self, _: Changes) {}
}

/// What a job has changed. Of the job's making: nothing in it is to be trusted, or reached by path.
#[derive(Debug)]
pub struct Changes {
    /// The upper directory of its root's overlay; none over `host`.
    pub root: Option<OwnedFd>,
    pub workspace: OwnedFd,
}

/// Room for further cases beside the one that the job's own place is for.
pub trait Lanes: Send + Sync {
    /// What it gives is dropped when the case that it was asked for has ended. Asked again before each case.
    fn more(&self, memory_bytes: u64, cpu_millis: u64) -> Option<Box<dyn Send + Sync>>;
}

/// For whoever only wants the outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn happened(&self, _: Happened) {}
}

/// One case at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLanes;

impl Lanes for NoLanes {
    fn more(&self, _: u64, _: u64) -> Option<Box<dyn Send + Sync>> {
        None
    }
}
