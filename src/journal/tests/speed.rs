//! How fast, with every job real and every answer awaited. The bounds are far below what a quiet machine does.

use std::io::Write;
use std::time::{Duration, Instant};

use super::*;
use crate::Commit;

const JOBS: u32 = 2000;

#[test]
fn thousands_of_jobs_a_second() {
    let folder = Folder::new();
    let journal = folder.open();
    let (spec, begun) = (spec(), Instant::now());
    let mut waiting: Vec<Commit> = Vec::new();
    for _ in 0..JOBS {
        let mut run = Run::new(&journal, "acme", &[("team", "ci")], Timestamp::now());
        let new = NewJob { spec: &spec, events: run.events.clone(), idempotency: None };
        waiting.push(journal.accept(new));
        let (events, job) = run.whole();
        waiting.push(journal.end(run.id, events, &job, None));
    }
    for commit in waiting {
        commit.wait().expect("committed");
    }
    let rate = f64::from(JOBS) / begun.elapsed().as_secs_f64();
    let _ = writeln!(std::io::stderr(), "{rate:.0} jobs/s taken in and ended");
    assert!(rate > 500.0, "{rate:.0} jobs/s");
}

#[test]
fn one_client_waits_a_fraction_of_a_millisecond() {
    let p50 = commits("process", Durability::Process, 2000);
    assert!(p50 < Duration::from_millis(3), "p50 {p50:?}");
}

#[test]
fn surviving_a_power_loss_costs_a_write_to_the_disk() {
    let p50 = commits("power", Durability::Power, 200);
    assert!(p50 < Duration::from_millis(100), "p50 {p50:?}");
}

/// The median time of a commit that is waited for.
fn commits(name: &str, durability: Durability, jobs: u32) -> Duration {
    let folder = Folder::new();
    let journal = Journal::open(Options { durability, ..folder.options() }).expect("a journal").0;
    let spec = spec();
    let mut times = Vec::new();
    for _ in 0..jobs {
        let mut run = Run::new(&journal, "acme", &[], Timestamp::now());
        let new = NewJob { spec: &spec, events: run.events.clone(), idempotency: None };
        let begun = Instant::now();
        journal.accept(new).wait().expect("taken in");
        times.push(begun.elapsed());
        let (events, job) = run.whole();
        let begun = Instant::now();
        journal.end(run.id, events, &job, None).wait().expect("ended");
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100];
    let (p50, p99, max) = (at(50), at(99), times[times.len() - 1]);
    let _ = writeln!(std::io::stderr(), "commit, {name}: p50 {p50:?}, p99 {p99:?}, max {max:?}");
    p50
}
