//! What a step's cases come to together.

use model::{CaseResult, Cause, Status, StepResult, StepSpec, Usage};

use crate::verdict;

/// The first case in order that did not succeed decides.
pub(crate) fn sum(step: &StepSpec, cases: Vec<CaseResult>, cancelled: bool) -> StepResult {
    let unlike = |case: &&CaseResult| !matches!(case.status, Status::Succeeded | Status::Skipped);
    let skipped = cases.iter().any(|case| case.status == Status::Skipped);
    let (status, cause) = match cases.iter().find(unlike) {
        Some(case) => (case.status, Some(cause(case))),
        None if cancelled && skipped => {
            (Status::Cancelled, Some(Cause::new("cancelled", "cancelled by request")))
        }
        None => (Status::Succeeded, None),
    };
    let usage = cases.iter().fold(Usage::default(), |sum, case| add(sum, case.usage));
    StepResult { status, cause, usage, cases, ..verdict::skipped(step) }
}

fn cause(case: &CaseResult) -> Cause {
    let name = &case.name;
    let (detail, more) = if let Some(cause) = &case.cause {
        (format!("case `{name}`: {}", cause.detail), cause.clone())
    } else {
        let code = case.exit_code.unwrap_or_default();
        (format!("case `{name}` ended with exit code {code}"), Cause::new("case", ""))
    };
    Cause { kind: "case".into(), detail, case: Some(name.clone()), ..more }
}

/// Times add up, peaks do not.
fn add(a: Usage, b: Usage) -> Usage {
    let plus = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).reduce(u64::saturating_add);
    Usage {
        cpu_time_us: plus(a.cpu_time_us, b.cpu_time_us),
        user_us: plus(a.user_us, b.user_us),
        system_us: plus(a.system_us, b.system_us),
        wall_time_us: a.wall_time_us.saturating_add(b.wall_time_us),
        memory_peak_bytes: a.memory_peak_bytes.max(b.memory_peak_bytes),
        pids_peak: a.pids_peak.max(b.pids_peak),
        throttled_us: plus(a.throttled_us, b.throttled_us),
        disk_bytes: a.disk_bytes.max(b.disk_bytes),
    }
}

#[cfg(test)]
mod tests;
