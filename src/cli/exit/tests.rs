use model::{Cause, Output, Timing, Usage};

use super::*;

fn outcome(status: Status, exit_code: Option<i32>, signal: Option<&str>, cause: Option<Cause>) -> Outcome {
    let step = StepResult {
        name: "run".into(),
        status,
        exit_code,
        signal: signal.map(String::from),
        cause: cause.clone(),
        stdout: Output::default(),
        stderr: Output::default(),
        usage: Usage::default(),
        cases: Vec::new(),
    };
    Outcome {
        status,
        cause,
        steps: vec![step],
        artifacts: Vec::new(),
        artifact_errors: Vec::new(),
        policy: Vec::new(),
        warnings: Vec::new(),
        isolation: None,
        built: Vec::new(),
        timing: Timing::default(),
        again: None,
    }
}

fn exec(errno: &str) -> Cause {
    Cause { errno: Some(errno.into()), ..Cause::new("exec", "cannot start `x`") }
}

#[test]
fn a_job_that_ends_by_itself_has_its_own_code() {
    assert_eq!(code(&outcome(Status::Succeeded, Some(0), None, None)), 0);
    for own in [1, 42, 125, 255] {
        assert_eq!(i32::from(code(&outcome(Status::Failed, Some(own), None, None))), own);
    }
}

#[test]
fn one_that_cannot_start_has_the_shells_codes() {
    assert_eq!(code(&outcome(Status::Failed, Some(126), None, Some(exec("EACCES")))), 126);
    assert_eq!(code(&outcome(Status::Failed, None, None, Some(exec("ENOENT")))), 127);
    assert_eq!(code(&outcome(Status::Failed, None, None, Some(exec("EACCES")))), 126);
    let line = explanation(&outcome(Status::Failed, None, None, Some(exec("ENOENT"))));
    assert_eq!(line.as_deref(), Some("cannot start `x`"));
    assert_eq!(explanation(&outcome(Status::Failed, Some(1), None, None)), None);
}

#[test]
fn signals_are_128_and_their_number() {
    for (name, number) in [("SIGKILL", 9), ("SIGSEGV", 11), ("SIGTERM", 15), ("SIG35", 35), ("SIG64", 64)] {
        assert_eq!(code(&outcome(Status::Signaled, None, Some(name), None)), 128 + number, "{name}");
    }
    assert_eq!(code(&outcome(Status::Signaled, None, Some("SIG?"), None)), 137);
    assert_eq!(code(&outcome(Status::SecurityViolation, None, Some("SIGSYS"), None)), 159);
}

#[test]
fn a_limit_is_137_and_says_which() {
    let wall = Cause::limit("wall_time_ms", 1001, 1000, "wall time limit of 1000 ms reached (ran 1001 ms)");
    let killed = outcome(Status::TimedOut, None, Some("SIGKILL"), Some(wall.clone()));
    assert_eq!(code(&killed), 137);
    assert_eq!(
        explanation(&killed).expect("a line"),
        "killed: wall time limit of 1000 ms reached (ran 1001 ms)"
    );
    let ended = outcome(Status::TimedOut, Some(0), None, Some(wall));
    assert_eq!(code(&ended), 137, "past its limit, though it ended by itself");
    assert_eq!(explanation(&ended).expect("a line"), "wall time limit of 1000 ms reached (ran 1001 ms)");
}

#[test]
fn a_limit_that_a_program_survived_leaves_it_its_own_code() {
    let full =
        outcome(Status::DiskExceeded, Some(28), None, Some(Cause::limit("disk_bytes", 8, 8, "disk limit")));
    assert_eq!((code(&full), explanation(&full).as_deref()), (28, Some("disk limit")));
    let pids =
        outcome(Status::Failed, Some(3), None, Some(Cause::limit("pids", 8, 8, "limit of 8 processes")));
    assert_eq!((code(&pids), explanation(&pids).as_deref()), (3, Some("limit of 8 processes")));
}

#[test]
fn our_own_failures_are_125() {
    for status in [Status::InternalError, Status::Denied, Status::Lost, Status::Expired] {
        let outcome = outcome(status, None, None, Some(Cause::new("sandbox", "step mount_proc: EPERM")));
        assert_eq!(code(&outcome), 125, "{status:?}");
        assert_eq!(explanation(&outcome).expect("a line"), "step mount_proc: EPERM");
    }
}
