//! What a job's caller is told and asked while it runs.

use model::Happened;

/// Told as it happens, in order: `ready`, `step_started`, `output`, `step_ended`, `case_ended`, `paused` and `resumed`.
///
/// Called on the job's path, so it must not block.
pub trait Watch: Send + Sync {
    fn happened(&self, what: Happened);
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
