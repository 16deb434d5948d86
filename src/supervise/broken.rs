//! Why a job, or one of its cases, has no end of its own.

use std::io;
use std::time::Duration;

use admission::Denial;
use sandbox::{PlanError, StepError};

use crate::orders::Orders;

/// Why a job could not go on; always ours, never the program's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the sandbox could not be built: {0}")]
    Step(#[from] StepError),
    #[error("the sandbox ended before its program did")]
    Ended,
    /// It may yet come to stand: its socket is closed, which ends it.
    #[error("the sandbox did not answer for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the launcher ended while the job ran; it may run again where `retry.max_attempts` says so")]
    Lost,
    #[error("the job's memory limit was reached by what its programs left behind, in files or shared memory")]
    Memory,
    /// Between two steps; within one it is that step's verdict.
    #[error("cancelled by request")]
    Cancelled,
    /// By a policy, before the first program was started.
    #[error("{}", .0.reason)]
    Denied(Box<Denial>),
    /// Of a case: the job's own plan was made before.
    #[error("{0}")]
    Plan(#[from] PlanError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Broken {
    /// What is lost while it is to end anyway has ended as asked, and does not run again.
    pub(crate) fn unless_cancelled(self, orders: &mut Orders) -> Self {
        match self {
            Self::Lost if orders.is_cancelled() => Self::Cancelled,
            error => error,
        }
    }
}
