use std::collections::BTreeMap;

use model::{Content, GroupUsage, Limits};
use sandbox::protocol::DiskUsage;

use super::*;

const SIGKILL: i32 = 9;

fn step() -> StepSpec {
    let limits = Limits { wall_time_ms: 1000, cpu_time_ms: 500, output_bytes: 10, ..Limits::defaults() };
    StepSpec {
        name: "run".into(),
        command: vec!["prog".into()],
        stdin: Content::default(),
        cases: Vec::new(),
        parallel: 1,
        fail_fast: false,
        env: BTreeMap::new(),
        limits,
        workdir: "/workspace".into(),
        profile: "default".into(),
    }
}

fn exit(wait_status: i32) -> StepExit {
    let usage =
        GroupUsage { cpu_us: Some(1000), oom_kills: Some(0), pids_refused: Some(0), ..GroupUsage::default() };
    StepExit { step: 0, error: None, wait_status, wall_us: 2000, usage, disk: DiskUsage::default() }
}

fn judged(exit: StepExit, killed: Option<Killed>) -> StepResult {
    of(&step(), &Ended { exit, killed }, &Account::silent(&step()))
}

/// Status, exit code, signal and the limit that the cause names.
fn short(result: &StepResult) -> (Status, Option<i32>, Option<&str>, Option<&str>) {
    let limit = result.cause.as_ref().and_then(|cause| cause.limit.as_deref());
    (result.status, result.exit_code, result.signal.as_deref(), limit)
}

#[test]
fn a_program_that_ends_by_itself() {
    assert_eq!(short(&judged(exit(0), None)), (Status::Succeeded, Some(0), None, None));
    assert_eq!(short(&judged(exit(3 << 8), None)), (Status::Failed, Some(3), None, None));
    assert_eq!(short(&judged(exit(11), None)), (Status::Signaled, None, Some("SIGSEGV"), None));
    // With a core dump flagged, and a real-time signal.
    assert_eq!(short(&judged(exit(6 | 0x80), None)), (Status::Signaled, None, Some("SIGABRT"), None));
    assert_eq!(short(&judged(exit(40), None)), (Status::Signaled, None, Some("SIG40"), None));
    assert_eq!(judged(exit(31), None).status, Status::SecurityViolation);
}

#[test]
fn each_limit_is_told_by_its_name() {
    let wall = StepExit { wall_us: 1_000_900, ..exit(SIGKILL) };
    assert_eq!(short(&judged(wall, Some(Killed::Wall))).3, Some("wall_time_ms"));
    let mut cpu = exit(SIGKILL);
    cpu.usage.cpu_us = Some(501_000);
    assert_eq!(
        short(&judged(cpu, Some(Killed::Cpu))),
        (Status::TimedOut, None, Some("SIGKILL"), Some("cpu_time_ms"))
    );
    let mut memory = exit(SIGKILL);
    memory.usage.oom_kills = Some(1);
    assert_eq!(short(&judged(memory, None)).0, Status::MemoryExceeded);
    assert_eq!(short(&judged(exit(SIGKILL), Some(Killed::Output))).0, Status::OutputExceeded);
    assert_eq!(
        short(&judged(exit(25), None)),
        (Status::DiskExceeded, None, Some("SIGXFSZ"), Some("file_bytes"))
    );
    let disk = StepExit { disk: DiskUsage { bytes: 1, full: true }, ..exit(1 << 8) };
    assert_eq!(short(&judged(disk, None)), (Status::DiskExceeded, Some(1), None, Some("disk_bytes")));
    let mut pids = exit(1 << 8);
    pids.usage.pids_refused = Some(4);
    assert_eq!(short(&judged(pids, None)), (Status::Failed, Some(1), None, Some("pids")));
}

#[test]
fn limits_are_exact_on_both_sides() {
    // Past the limit, though it ended by itself before anybody looked.
    let late = StepExit { wall_us: 1_000_001, ..exit(0) };
    assert_eq!(judged(late, None).status, Status::TimedOut);
    // Within it, though the kill was on its way.
    let in_time = StepExit { wall_us: 999_999, ..exit(0) };
    assert_eq!(judged(in_time, Some(Killed::Wall)).status, Status::Succeeded);
    assert_eq!(judged(exit(0), Some(Killed::Cpu)).status, Status::Succeeded);
    assert_eq!(judged(exit(0), Some(Killed::Cancelled)).status, Status::Succeeded);
    assert_eq!(judged(exit(SIGKILL), Some(Killed::Cancelled)).status, Status::Cancelled);
}

#[test]
fn a_program_that_never_ran() {
    let failed = |step, errno| {
        judged(StepExit { error: Some(StepError { step, index: 0, errno }), ..exit(127 << 8) }, None)
    };
    assert_eq!(short(&failed(Step::Exec, 2)), (Status::Failed, Some(127), None, None));
    assert_eq!(short(&failed(Step::Exec, 13)), (Status::Failed, Some(126), None, None));
    assert_eq!(short(&failed(Step::WorkingDirectory, 2)), (Status::Failed, Some(126), None, None));
    // Ours, so never told as the program's.
    let ours = failed(Step::Seccomp, 22);
    assert_eq!(
        (ours.status, ours.cause.map(|cause| cause.kind)),
        (Status::InternalError, Some("sandbox".into()))
    );
}

#[test]
fn the_first_step_that_did_not_succeed_decides_the_job() {
    let (good, bad) = (judged(exit(0), None), judged(exit(2 << 8), None));
    assert_eq!(of_job(std::slice::from_ref(&good)), (Status::Succeeded, None));
    let (status, cause) = of_job(&[good, bad, skipped(&step())]);
    assert_eq!((status, cause.and_then(|cause| cause.step)), (Status::Failed, Some("run".into())));
}
