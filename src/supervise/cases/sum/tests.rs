use std::collections::BTreeMap;

use model::{Content, Limits};

use super::*;

fn step() -> StepSpec {
    StepSpec {
        name: "test".into(),
        command: vec!["prog".into()],
        stdin: Content::default(),
        env: BTreeMap::new(),
        limits: Limits::defaults(),
        workdir: "/workspace".into(),
        profile: "default".into(),
        cases: Vec::new(),
        parallel: 1,
        fail_fast: false,
    }
}

fn case(name: &str, status: Status) -> CaseResult {
    CaseResult::new(name, status)
}

fn summed(statuses: &[Status], cancelled: bool) -> (Status, Option<String>) {
    let cases = statuses.iter().enumerate().map(|(i, status)| case(&i.to_string(), *status)).collect();
    let step = sum(&step(), cases, cancelled);
    (step.status, step.cause.and_then(|cause| cause.case))
}

#[test]
fn the_first_case_in_order_that_did_not_succeed_decides() {
    use Status::{Cancelled, Failed, Skipped, Succeeded, TimedOut};
    let by = |name: &str| Some(name.to_owned());
    assert_eq!(summed(&[Succeeded, Succeeded], false), (Succeeded, None));
    assert_eq!(summed(&[Succeeded, TimedOut, Failed], false), (TimedOut, by("1")));
    // One beside the failed one was not begun any more.
    assert_eq!(summed(&[Succeeded, Skipped, Failed], false), (Failed, by("2")));
    assert_eq!(summed(&[Succeeded, Cancelled, Skipped], true), (Cancelled, by("1")));
    // Cancelled between two cases, and when the last had ended well already.
    assert_eq!(summed(&[Succeeded, Skipped], true), (Cancelled, None));
    assert_eq!(summed(&[Succeeded, Succeeded], true), (Succeeded, None));
}

#[test]
fn times_add_up_and_peaks_do_not() {
    let usage = |cpu, wall, peak| Usage {
        cpu_time_us: cpu,
        wall_time_us: wall,
        memory_peak_bytes: peak,
        ..Usage::default()
    };
    let cases = [usage(Some(2), 10, Some(5)), usage(None, 20, None), usage(Some(3), 30, Some(4))];
    let cases = cases.map(|usage| CaseResult { usage, ..case("c", Status::Succeeded) });
    assert_eq!(sum(&step(), cases.into(), false).usage, usage(Some(5), 60, Some(5)));
    let uncounted = CaseResult { usage: usage(None, 1, None), ..case("c", Status::Succeeded) };
    assert_eq!(sum(&step(), vec![uncounted], false).usage, usage(None, 1, None));
}

#[test]
fn the_cause_names_the_case_and_keeps_the_limit() {
    let limit = Cause::limit("wall_time_ms", 20, 10, "too slow");
    let failed = CaseResult { cause: Some(limit), ..case("big", Status::TimedOut) };
    let cause = sum(&step(), vec![failed], false).cause.expect("a cause");
    assert_eq!((cause.kind.as_str(), cause.case.as_deref(), cause.allowed), ("case", Some("big"), Some(10)));
    assert_eq!(cause.detail, "case `big`: too slow");
    let code = CaseResult { exit_code: Some(3), ..case("odd", Status::Failed) };
    let cause = sum(&step(), vec![code], false).cause.expect("a cause");
    assert_eq!(cause.detail, "case `odd` ended with exit code 3");
}
