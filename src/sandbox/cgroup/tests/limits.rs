//! What a group does to the processes in it. Every limit has a control without it.

use std::{
    os::{fd::AsFd, unix::process::ExitStatusExt},
    thread::sleep,
    time::{Duration, Instant},
};

use model::CgroupLimits;

use super::support::{NONE, OTHER, in_own_process, is_root, memory, run, start, start_sleeper, with_groups};
use crate::cgroup::{CgroupError, JobGroup, RunState, cpu_usage_us};

const MIB: u64 = 1 << 20;
/// The size is a variable: Perl would build a constant before it has entered the group.
const FILL: &str = "my $n = 96 << 20; my $x = 'x' x $n; print 'filled';";
const SPIN: &str = "my $end = time + 2; 1 while time < $end;";

/// As the launcher does it: again until the dead have left.
fn remove(mut group: JobGroup) {
    for _ in 0..200 {
        match group.remove() {
            Err(CgroupError::Busy { .. }) => sleep(Duration::from_millis(5)),
            other => return other.expect("remove"),
        }
    }
    panic!("busy for ever");
}

#[test]
fn memory_limit_kills_and_is_counted() {
    in_own_process("limits::memory_limit_kills_and_is_counted", || {
        with_groups(|groups| {
            let limits = memory(32 * MIB);
            let group = groups.create("oom", &NONE, &[limits, memory(256 * MIB)], None);
            let group = group.expect("create");
            assert_eq!(run(&group, 0, None, FILL).status.signal(), Some(9));
            let usage = group.steps[0].stats.read();
            // With `memory.oom.group` the kernel counts the first victim twice.
            assert!(usage.oom_kills >= Some(1), "{usage:?}");
            let peak = usage.memory_peak_bytes.expect("peak");
            assert!((16 * MIB..=32 * MIB).contains(&peak), "{peak}");

            let control = run(&group, 1, None, FILL);
            assert_eq!(control.stdout, b"filled", "{control:?}");
            let usage = group.steps[1].stats.read();
            assert_eq!(usage.oom_kills, Some(0));
            assert!(usage.memory_peak_bytes > Some(96 * MIB), "{usage:?}");
            remove(group);
        });
    });
}

#[test]
fn the_jobs_memory_limit_holds_its_steps() {
    in_own_process("limits::the_jobs_memory_limit_holds_its_steps", || {
        with_groups(|groups| {
            let group = groups.create("job-oom", &memory(32 * MIB), &[NONE], None).expect("create");
            assert_eq!(run(&group, 0, None, FILL).status.signal(), Some(9));
            assert!(group.steps[0].stats.read().oom_kills >= Some(1));
            remove(group);
        });
    });
}

#[test]
fn swap_does_not_extend_memory() {
    in_own_process("limits::swap_does_not_extend_memory", || {
        with_groups(|groups| {
            let group = groups.create("swap", &memory(64 * MIB), &[memory(32 * MIB)], None).expect("create");
            let read = |file| {
                let step = &group.steps[0].stats.0;
                step.each().find_map(|(_, dir)| crate::cgroup::dir::get(dir, file).ok())
            };
            match (read("memory.memsw.limit_in_bytes"), read("memory.swap.max")) {
                (Some(both), _) => assert_eq!(both.trim(), (32 * MIB).to_string()),
                (None, Some(swap)) => assert_eq!(swap.trim(), "0"),
                _ => super::support::say("SKIPPED: no swap accounting"),
            }
            remove(group);
        });
    });
}

#[test]
fn pids_limit_refuses_and_is_counted() {
    in_own_process("limits::pids_limit_refuses_and_is_counted", || {
        with_groups(|groups| {
            let program = "for (1 .. 8) { my $p = fork; last if !defined $p; if (!$p) { sleep 1; exit } $n++ }\
                           print $n; 1 while wait > 0;";
            let limits = CgroupLimits { pids: Some(4), ..CgroupLimits::default() };
            let steps = [limits, NONE];
            let group = groups.create("pids", &NONE, &steps, None).expect("create");
            assert_eq!(run(&group, 0, None, program).stdout, b"3");
            let usage = group.steps[0].stats.read();
            assert_eq!(usage.pids_refused, Some(1), "{usage:?}");
            assert!(usage.pids_peak.is_none_or(|peak| peak == 4), "{usage:?}");
            assert_eq!(run(&group, 1, None, program).stdout, b"8");
            assert_eq!(group.steps[1].stats.read().pids_refused, Some(0));
            remove(group);
        });
    });
}

#[test]
fn cpu_limit_throttles() {
    in_own_process("limits::cpu_limit_throttles", || {
        with_groups(|groups| {
            let limits = CgroupLimits { cpus: Some(0.2), cpu_weight: Some(50), ..CgroupLimits::default() };
            let group =
                groups.create("cpu", &limits, &[limits.clone(), limits.clone()], None).expect("create");
            let start = Instant::now();
            assert!(run(&group, 0, None, SPIN).status.success());
            let wall = start.elapsed();
            let usage = group.steps[0].stats.read();
            let cpu = Duration::from_micros(usage.cpu_us.expect("cpu"));
            assert!(cpu.as_secs_f64() < wall.as_secs_f64() * 0.3, "{cpu:?} of {wall:?}");
            assert!(usage.throttled_us > Some(0) && usage.user_us.is_some() && usage.system_us.is_some());
            let file = group.steps[0].cpu.as_ref().expect("cpu file");
            let by_file = cpu_usage_us(file.as_fd()).expect("usage");
            assert!(by_file.abs_diff(usage.cpu_us.unwrap_or(0)) < 50_000, "{by_file} {usage:?}");
            remove(group);
        });
    });
}

#[test]
fn a_step_can_be_frozen_and_killed() {
    in_own_process("limits::a_step_can_be_frozen_and_killed", || {
        with_groups(|groups| {
            let group = groups.create("freeze", &NONE, &[NONE], None).expect("create");
            let mut child = start(&group, 0, None, "1 while 1;");
            let freezer = group.steps[0].freezer.as_ref().expect("freezer");
            let usage = || group.steps[0].stats.read().cpu_us.expect("cpu");
            let used_in = |time| {
                let before = usage();
                sleep(time);
                usage() - before
            };
            sleep(Duration::from_millis(200));
            freezer.set(RunState::Frozen).expect("freeze");
            sleep(Duration::from_millis(100));
            assert!(used_in(Duration::from_millis(200)) < 1000, "runs while frozen");
            freezer.set(RunState::Running).expect("thaw");
            let runs_on = (0..30).any(|_| used_in(Duration::from_millis(300)) > 20_000);
            assert!(runs_on, "does not run on");
            group.kill().expect("kill");
            assert_eq!(child.wait().expect("wait").signal(), Some(9));
            remove(group);
        });
    });
}

#[test]
fn removal_of_a_running_job_reports_busy_and_kills() {
    in_own_process("limits::removal_of_a_running_job_reports_busy_and_kills", || {
        with_groups(|groups| {
            let mut group = groups.create("busy", &NONE, &[NONE], None).expect("create");
            let mut child = start_sleeper(&group, 0);
            assert!(matches!(group.remove(), Err(CgroupError::Busy { .. })));
            assert_eq!(child.wait().expect("wait").signal(), Some(9));
            remove(group);
        });
    });
}

/// The uid of the job enters with the rights it was given, and another does not.
#[test]
fn the_owner_alone_can_enter_a_step() {
    in_own_process("limits::the_owner_alone_can_enter_a_step", || {
        if !is_root() {
            return;
        }
        with_groups(|groups| {
            let group = groups.create("own", &NONE, &[NONE, NONE], Some(OTHER)).expect("create");
            let inside = run(&group, 1, Some(OTHER), "print 'inside'; sleep 0;");
            assert_eq!(inside.stdout, b"inside", "{inside:?}");
            assert!(group.steps[1].stats.read().pids_peak.is_none_or(|peak| peak == 1));
            let stranger = run(&group, 1, Some((OTHER.0 + 1, OTHER.1 + 1)), "print 'inside';");
            assert!(stranger.stdout.is_empty() && !stranger.status.success(), "{stranger:?}");
            assert!(nix::unistd::geteuid().is_root(), "the effective uid was not taken back");
            remove(group);
        });
    });
}
