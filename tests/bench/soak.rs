//! Tens of thousands of jobs through one daemon that keeps them all: none lost, none doubled, and nothing grows but the
//! journal, which retention keeps within its bound.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use support::{Daemon, State, Who};

use crate::service::{Measured, jobs, listed, stored};
use crate::table;

const CLIENTS: usize = 8;
const JOBS: usize = 50_000;
const QUICK: usize = 2_000;
/// The aims, on two cores.
const RATE: f64 = 300.0;
const HALF: Duration = Duration::from_millis(4);
/// Of what the first daemon has kept, how much the second may.
const KEPT_PERCENT: u64 = 20;
/// Free pages that stay in the file for what comes next, and its log.
const SPARE: u64 = 8 << 20;

pub(crate) fn run(quick: bool) {
    let who = if nix::unistd::geteuid().is_root() { Who::Root } else { Who::User };
    let count = if quick { QUICK } else { JOBS };
    let state = State::new(who);
    let daemon = Daemon::resumed(who, &state, "log = \"warn\"");
    // What the first jobs load is no part of the others.
    let first = jobs(&daemon, CLIENTS, 50);
    let many = jobs(&daemon, CLIENTS, count);
    let one = jobs(&daemon, 1, (count / 20).max(500));
    table::line(&format!(
        "\n`true` by one daemon with its journal on, {count} jobs by {CLIENTS} clients, then one client"
    ));
    table::line(&format!(
        "{:<14}{:>8}{:>9}{:>9}{:>9}{:>9}",
        "clients", "jobs", "p50 ms", "p99 ms", "max ms", "jobs/s"
    ));
    row(CLIENTS, &many);
    row(1, &one);
    none_lost(&daemon, &[&first, &many, &one]);
    memory(&many);
    aim(
        &format!("at least {RATE} jobs/s by {CLIENTS} clients"),
        many.rate() >= RATE,
        &format!("{:.0}", many.rate()),
    );
    aim("p50 at one client within 4 ms", one.at(50) <= HALF, &format!("{:.2} ms", millis(one.at(50))));
    bounded(who, daemon, &state);
}

fn row(clients: usize, measured: &Measured) {
    table::line(&format!(
        "{clients:<14}{:>8}{:>9.2}{:>9.2}{:>9.2}{:>9.0}",
        measured.ids.len(),
        millis(measured.at(50)),
        millis(measured.at(99)),
        millis(measured.at(100)),
        measured.rate()
    ));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn aim(what: &str, reached: bool, figure: &str) {
    table::line(&format!("aim: {what}: {figure}, {}", if reached { "reached" } else { "NOT reached" }));
}

/// Every job that was answered is there, once, and no other.
fn none_lost(daemon: &Daemon, all: &[&Measured]) {
    let sent: Vec<&String> = all.iter().flat_map(|measured| &measured.ids).collect();
    let known: BTreeSet<&String> = sent.iter().copied().collect();
    assert_eq!(known.len(), sent.len(), "two jobs were answered with one id");
    let (ids, took) = listed(daemon);
    let found: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(found.len(), ids.len(), "a job is listed twice");
    assert!(found == known, "{} jobs were sent, {} are listed", known.len(), found.len());
    table::line(&format!(
        "{} jobs sent, {} listed in pages of 200 in {} ms: none lost, none doubled",
        known.len(),
        found.len(),
        took.as_millis()
    ));
}

/// The first tenth fills caches and buffers; after it nothing may pile up with the number of jobs.
fn memory(measured: &Measured) {
    const SLACK_KIB: u64 = 16 << 10;
    let looks: Vec<String> = measured.resident.iter().map(u64::to_string).collect();
    table::line(&format!("resident KiB of the daemon after each tenth: {}", looks.join(" ")));
    let (early, late) = (measured.resident[1], *measured.resident.last().expect("looks"));
    assert!(late < early + SLACK_KIB, "the daemon grew from {early} to {late} KiB");
}

/// With less allowed than there is, the next daemon lets the oldest go, and the file with them.
fn bounded(who: Who, daemon: Daemon, state: &State) {
    let (kept, bytes) = stored(&daemon);
    assert_eq!(daemon.stop().code(), Some(0));
    let before = state.bytes();
    let most = bytes * KEPT_PERCENT / 100;
    let daemon = Daemon::resumed(who, state, &format!("log = \"warn\"\n[retention]\nmax_bytes = {most}"));
    let start = Instant::now();
    let (left, after) = loop {
        let (left, after) = stored(&daemon);
        if after <= most {
            break (left, after);
        }
        assert!(start.elapsed() < Duration::from_secs(90), "{after} bytes are kept, {most} are allowed");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(daemon.stop().code(), Some(0));
    let file = state.bytes();
    table::line(&format!(
        "journal: {kept} jobs in {} KiB ({} bytes each), {} KiB on disk; bounded to {} KiB: {left} jobs in {} KiB, {} KiB on \
         disk after {:.1} s",
        bytes >> 10,
        bytes / kept.max(1),
        before >> 10,
        most >> 10,
        after >> 10,
        file >> 10,
        start.elapsed().as_secs_f64()
    ));
    assert!(left > 0 && file <= 2 * most + SPARE, "{file} bytes on disk, {most} are allowed");
}
