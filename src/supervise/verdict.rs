//! From how a program ended to a status and a cause. Pure; the order of the questions is the policy:
//! what could not start, what we ended, what the kernel ended for a limit, what the program did itself.

use model::{Cause, JobSpec, Status, StepResult, StepSpec, Usage};
use nix::sys::signal::Signal;
use sandbox::protocol::StepExit;
use sandbox::{Step, StepError};

use crate::account::Account;
use crate::broken::Broken;
use crate::step::{Ended, Killed};

/// wait(2)'s status, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Code(i32),
    Signal(i32),
}

/// Without what it printed, which its account has.
pub(crate) fn of(step: &StepSpec, ended: &Ended, account: &Account) -> StepResult {
    let Ended { exit, killed } = ended;
    let printed = account.stdout.bytes().max(account.stderr.bytes());
    let mut end = end(exit.wait_status);
    let (status, cause) = if let Some(error) = exit.error {
        let (status, cause, code) = not_started(step, error);
        end = End::Code(code);
        (status, Some(cause))
    } else {
        judge(step, exit, *killed, printed, end)
    };
    let (exit_code, signal) = match end {
        End::Code(code) => (Some(code), None),
        End::Signal(number) => (None, Some(signal_name(number))),
    };
    StepResult { status, exit_code, signal, cause, usage: usage(exit), ..skipped(step) }
}

fn judge(
    step: &StepSpec,
    exit: &StepExit,
    killed: Option<Killed>,
    printed: u64,
    end: End,
) -> (Status, Option<Cause>) {
    if let Some((status, cause)) = over_limit(step, exit, killed, printed, end) {
        return (status, Some(cause));
    }
    match end {
        End::Code(0) => (Status::Succeeded, None),
        End::Code(_) if exit.disk.full => (Status::DiskExceeded, Some(disk_full(step, exit))),
        End::Code(_) => (Status::Failed, pids_refused(step, exit)),
        End::Signal(libc_signal::SIGXFSZ) => (Status::DiskExceeded, Some(file_too_large(step))),
        End::Signal(libc_signal::SIGXCPU) => (Status::TimedOut, Some(cpu(step, exit))),
        End::Signal(libc_signal::SIGSYS) => (Status::SecurityViolation, Some(forbidden_call(step))),
        End::Signal(libc_signal::SIGBUS) if exit.disk.full => {
            (Status::DiskExceeded, Some(disk_full(step, exit)))
        }
        End::Signal(number) => {
            let detail = format!("the program was ended by {}", signal_name(number));
            (Status::Signaled, Some(Cause::new("signal", detail)))
        }
    }
}

/// Limits are exact: a program that ended by itself, but past one, is over it all the same; and one that ended within
/// its limits just before the kill arrived is not.
fn over_limit(
    step: &StepSpec,
    exit: &StepExit,
    killed: Option<Killed>,
    printed: u64,
    end: End,
) -> Option<(Status, Cause)> {
    let by_us = matches!(end, End::Signal(libc_signal::SIGKILL));
    if killed == Some(Killed::Cancelled) && by_us {
        return Some((Status::Cancelled, Cause::new("cancelled", "cancelled by request")));
    }
    if exit.usage.oom_kills.is_some_and(|kills| kills > 0) {
        return Some((Status::MemoryExceeded, memory(step, exit)));
    }
    if killed == Some(Killed::Output) {
        return Some((Status::OutputExceeded, output(step, printed)));
    }
    if exit.wall_us > step.limits.wall_time_ms.saturating_mul(1000) {
        return Some((Status::TimedOut, wall(step, exit)));
    }
    let cpu_over = exit.usage.cpu_us.is_some_and(|used| used > step.limits.cpu_time_ms.saturating_mul(1000));
    if cpu_over || (killed == Some(Killed::Cpu) && by_us) {
        return Some((Status::TimedOut, cpu(step, exit)));
    }
    None
}

fn wall(step: &StepSpec, exit: &StepExit) -> Cause {
    let (observed, allowed) = (exit.wall_us / 1000, step.limits.wall_time_ms);
    let detail = format!("wall time limit of {allowed} ms reached (ran {observed} ms)");
    Cause::limit("wall_time_ms", observed, allowed, detail)
}

fn cpu(step: &StepSpec, exit: &StepExit) -> Cause {
    let (observed, allowed) = (exit.usage.cpu_us.unwrap_or(0) / 1000, step.limits.cpu_time_ms);
    let detail = format!("CPU time limit of {allowed} ms reached (used {observed} ms)");
    Cause::limit("cpu_time_ms", observed, allowed, detail)
}

fn memory(step: &StepSpec, exit: &StepExit) -> Cause {
    let (observed, allowed) = (exit.usage.memory_peak_bytes.unwrap_or(0), step.limits.memory_bytes);
    let kills = exit.usage.oom_kills.unwrap_or(0);
    let detail = format!("memory limit of {allowed} bytes reached ({kills} killed by the kernel)");
    Cause::limit("memory_bytes", observed, allowed, detail)
}

fn output(step: &StepSpec, printed: u64) -> Cause {
    let allowed = step.limits.output_bytes;
    Cause::limit("output_bytes", printed, allowed, format!("output limit of {allowed} bytes reached"))
}

fn disk_full(step: &StepSpec, exit: &StepExit) -> Cause {
    let (observed, allowed) = (exit.disk.bytes, step.limits.disk_bytes);
    let detail = format!("disk limit of {allowed} bytes, or its number of files, reached");
    Cause::limit("disk_bytes", observed, allowed, detail)
}

fn file_too_large(step: &StepSpec) -> Cause {
    let allowed = step.limits.file_bytes;
    Cause::limit("file_bytes", allowed, allowed, format!("a file reached the limit of {allowed} bytes"))
}

fn pids_refused(step: &StepSpec, exit: &StepExit) -> Option<Cause> {
    let refused = exit.usage.pids_refused.filter(|refused| *refused > 0)?;
    let allowed = step.limits.pids;
    let detail = format!("limit of {allowed} processes and threads reached ({refused} refused)");
    Some(Cause::limit("pids", exit.usage.pids_peak.unwrap_or(allowed), allowed, detail))
}

fn forbidden_call(step: &StepSpec) -> Cause {
    let detail = format!(
        "the seccomp profile `{}` ended the program for a system call that it kills for",
        step.profile
    );
    Cause::new("seccomp", detail)
}

/// As a shell would number it: 127 not found, 126 found and not executable.
fn not_started(step: &StepSpec, error: StepError) -> (Status, Cause, i32) {
    let program = &step.command[0];
    let errno = error.errno_name();
    let (status, kind, detail, code) = match (error.step, errno.as_str()) {
        (Step::Exec, "ENOENT" | "ENOTDIR") => {
            let detail = format!("`{program}` was not found in the sandbox, or its interpreter was not");
            (Status::Failed, "exec", detail, 127)
        }
        (Step::Exec, _) => {
            (Status::Failed, "exec", format!("`{program}` cannot be executed: {}", error.reason()), 126)
        }
        (Step::WorkingDirectory, _) => {
            let detail = format!("working directory `{}`: {}", step.workdir, error.reason());
            (Status::Failed, "exec", detail, 126)
        }
        _ => (Status::InternalError, "sandbox", format!("the program could not be prepared: {error}"), 125),
    };
    (status, Cause { errno: Some(errno), ..Cause::new(kind, detail) }, code)
}

fn usage(exit: &StepExit) -> Usage {
    Usage {
        cpu_time_us: exit.usage.cpu_us,
        user_us: exit.usage.user_us,
        system_us: exit.usage.system_us,
        wall_time_us: exit.wall_us,
        memory_peak_bytes: exit.usage.memory_peak_bytes,
        pids_peak: exit.usage.pids_peak,
        throttled_us: exit.usage.throttled_us,
        disk_bytes: Some(exit.disk.bytes),
    }
}

/// The first step that did not succeed decides the job.
pub(crate) fn of_job(steps: &[StepResult]) -> (Status, Option<Cause>) {
    let Some(step) = steps.iter().find(|step| step.status != Status::Succeeded) else {
        return (Status::Succeeded, None);
    };
    let cause = step.cause.clone().unwrap_or_else(|| {
        let code = step.exit_code.unwrap_or_default();
        Cause::new("step", format!("step `{}` ended with exit code {code}", step.name))
    });
    (step.status, Some(Cause { step: Some(step.name.clone()), ..cause }))
}

/// A program that was under way when its sandbox could not go on; `memory_bytes` is what that was held to.
pub(crate) fn interrupted(step: &StepSpec, memory_bytes: u64, error: &Broken) -> StepResult {
    let (status, cause) = of_broken(memory_bytes, error);
    StepResult { status, cause: Some(cause), ..skipped(step) }
}

/// Steps run one after another in one sandbox, which is held to what the largest of them may have.
pub(crate) fn most_memory(spec: &JobSpec) -> u64 {
    spec.steps.iter().map(|step| step.limits.memory_bytes).max().unwrap_or(0)
}

/// A job that could not go on.
pub(crate) fn of_broken(memory_bytes: u64, error: &Broken) -> (Status, Cause) {
    let (allowed, detail) = (memory_bytes, error.to_string());
    match error {
        Broken::Memory => (Status::MemoryExceeded, Cause::limit("memory_bytes", allowed, allowed, detail)),
        Broken::Lost => (Status::Lost, Cause::new("lost", detail)),
        Broken::Cancelled => (Status::Cancelled, Cause::new("cancelled", detail)),
        Broken::Denied(denial) => {
            let (policy, code) = (Some(denial.policy.clone()), Some(denial.code.clone()));
            (Status::Denied, Cause { policy, code, ..Cause::new("policy", detail) })
        }
        Broken::Step(step) => {
            let detail = step.hint().map_or(detail.clone(), |hint| format!("{detail}; {hint}"));
            (Status::InternalError, Cause { errno: Some(step.errno_name()), ..Cause::new("sandbox", detail) })
        }
        Broken::Ended | Broken::Silent(_) | Broken::Io(_) | Broken::Plan(_) => {
            (Status::InternalError, Cause::new("sandbox", detail))
        }
    }
}

pub(crate) fn skipped(step: &StepSpec) -> StepResult {
    StepResult::new(&*step.name, Status::Skipped)
}

fn end(wait_status: i32) -> End {
    match wait_status & 0x7f {
        0 => End::Code((wait_status >> 8) & 0xff),
        number => End::Signal(number),
    }
}

fn signal_name(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| format!("SIG{number}"), |signal| signal.as_str().into())
}

/// signal(7), as numbers to match on.
mod libc_signal {
    use nix::sys::signal::Signal;

    pub(super) const SIGKILL: i32 = Signal::SIGKILL as i32;
    pub(super) const SIGXFSZ: i32 = Signal::SIGXFSZ as i32;
    pub(super) const SIGXCPU: i32 = Signal::SIGXCPU as i32;
    pub(super) const SIGSYS: i32 = Signal::SIGSYS as i32;
    pub(super) const SIGBUS: i32 = Signal::SIGBUS as i32;
}

#[cfg(test)]
mod tests;
