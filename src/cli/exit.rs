//! Exit codes. Those below 125 are the job's own, as in docker(1) and env(1).

use std::str::FromStr;

use model::{Cause, Job, Status, StepResult};
use nix::sys::signal::Signal;
use supervise::Outcome;

/// A check of `doctor` failed.
pub(crate) const FAILED: u8 = 1;
/// Bad arguments, bad settings, or a verb that could not do its work.
pub(crate) const ERROR: u8 = 2;
/// The same for `run`, out of the way of the job's codes.
pub(crate) const RUN_FAILED: u8 = 125;
/// By ^C, as shells say it.
pub(crate) const INTERRUPTED: u8 = SIGNALED + 2;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
const SIGNALED: u8 = 128;
/// A job that Stockade ended, by SIGKILL.
const KILLED: u8 = SIGNALED + 9;

/// How a job ended, wherever it ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending<'a> {
    status: Status,
    cause: Option<&'a Cause>,
    steps: &'a [StepResult],
}

impl<'a> From<&'a Outcome> for Ending<'a> {
    fn from(Outcome { status, cause, steps, .. }: &'a Outcome) -> Self {
        Self { status: *status, cause: cause.as_ref(), steps }
    }
}

impl<'a> From<&'a Job> for Ending<'a> {
    fn from(Job { status, cause, steps, .. }: &'a Job) -> Self {
        Self { status: *status, cause: cause.as_ref(), steps }
    }
}

pub(crate) fn code<'a>(ending: impl Into<Ending<'a>>) -> u8 {
    let ending = ending.into();
    let step = deciding_step(ending);
    match ending.status {
        Status::Succeeded => 0,
        Status::Failed => step.map_or(FAILED, failed),
        Status::Signaled | Status::SecurityViolation => {
            step.and_then(signal).map_or(KILLED, |n| SIGNALED + n)
        }
        // A program that met a full disk and ended by itself has a code of its own.
        Status::DiskExceeded => step.and_then(own_code).unwrap_or(KILLED),
        Status::TimedOut | Status::MemoryExceeded | Status::OutputExceeded | Status::Cancelled => KILLED,
        Status::WrongOutput => FAILED,
        Status::Queued
        | Status::Running
        | Status::Denied
        | Status::Expired
        | Status::Lost
        | Status::InternalError
        | Status::Skipped => RUN_FAILED,
    }
}

/// The first step that did not succeed decides the job.
fn deciding_step(ending: Ending<'_>) -> Option<&StepResult> {
    ending.steps.iter().find(|step| step.status != Status::Succeeded)
}

/// Never 0: the step did not succeed.
fn own_code(step: &StepResult) -> Option<u8> {
    u8::try_from(step.exit_code?).ok().filter(|&code| code != 0)
}

fn failed(step: &StepResult) -> u8 {
    own_code(step).unwrap_or(match step.cause.as_ref().and_then(|cause| cause.errno.as_deref()) {
        Some("ENOENT" | "ENOTDIR") => NOT_FOUND,
        Some(_) => NOT_EXECUTABLE,
        None => FAILED,
    })
}

/// Real-time signals have no name but their number, as in `SIG35`.
fn signal(step: &StepResult) -> Option<u8> {
    let name = step.signal.as_deref()?;
    let number = Signal::from_str(name).map(|signal| signal as i32);
    let number = number.or_else(|_| name.trim_start_matches("SIG").parse()).ok()?;
    u8::try_from(number).ok().filter(|number| (1..=64).contains(number))
}

/// The line for a job that did not just end by itself; one that did speaks for itself.
pub(crate) fn explanation<'a>(ending: impl Into<Ending<'a>>) -> Option<String> {
    let ending = ending.into();
    let step = deciding_step(ending);
    let cause = step.and_then(|step| step.cause.as_ref()).or(ending.cause);
    let detail = || cause.map_or("no cause was recorded", |cause| cause.detail.as_str());
    match ending.status {
        Status::Succeeded | Status::Signaled => None,
        // Why it could not start, or which limit it ran into; an exit code of its own needs no words.
        Status::Failed => Some(step?.cause.as_ref()?.detail.clone()),
        Status::Cancelled => Some("cancelled".into()),
        Status::TimedOut
        | Status::MemoryExceeded
        | Status::OutputExceeded
        | Status::DiskExceeded
        | Status::SecurityViolation => {
            let killed = step.is_some_and(|step| step.exit_code.is_none());
            Some(format!("{}{}", if killed { "killed: " } else { "" }, detail()))
        }
        Status::Queued
        | Status::Running
        | Status::WrongOutput
        | Status::Denied
        | Status::Expired
        | Status::Lost
        | Status::InternalError
        | Status::Skipped => Some(detail().into()),
    }
}

#[cfg(test)]
mod tests;
