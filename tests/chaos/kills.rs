//! Clients that never stop, and a daemon that is killed again and again.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::unistd::geteuid;
use support::{Case, Daemon, Random, Snapshot, State, Who, cases, figure, same_again};

use crate::clients::{Ending, Heard, Stage, all_heard, begin, told_otherwise};
use crate::journal::is_intact;
use crate::judge::{Judge, Span, all_ended, listed};
use crate::work::Kind;

pub(crate) fn cases() -> Vec<Case> {
    cases![killed_at_random]
}

const CLIENTS: usize = 6;
const SETTINGS: &str = "max_running = 3\nmax_queued = 60\nlog = \"warn\"";
const SEED: &str = "STOCKADE_CHAOS_SEED";
/// Of the user that the suite was started by; the other one's daemon is killed less often.
const KILLS: usize = 30;
const FEWER: usize = 6;

fn kills(who: Who) -> usize {
    let given = std::env::var("STOCKADE_CHAOS_KILLS").ok();
    let other = geteuid().is_root() && who != Who::Root;
    given.map_or(if other { FEWER } else { KILLS }, |text| text.parse().expect("a number of kills"))
}

fn killed_at_random(who: Who) {
    let seed = Random::seed_of(SEED);
    figure(format!("{}: {SEED}={seed}", who.name()));
    let mut random = Random::new(seed);
    let cookie = format!("0000{}", std::process::id());
    let nothing = Snapshot::after(u32::MAX, &cookie);
    let state = State::new(who);
    let stage = Stage::new(&[409, 429]);
    let start = Instant::now();
    let seeds: Vec<u64> = (0..CLIENTS).map(|_| random.any()).collect();
    let (heard, kills, mut pids, last) = thread::scope(|scope| {
        let sending = begin(scope, &stage, &cookie, seeds);
        // Ends the clients also where this fails: else the scope would wait for them for ever.
        let ending = Ending(&stage);
        let (kills, pids) = storm(who, &state, &stage, &mut random);
        let last = Daemon::resumed(who, &state, SETTINGS);
        stage.listens(Some(last.address));
        // So that the last one has something to do beside what it was left.
        thread::sleep(Duration::from_millis(300));
        drop(ending);
        (all_heard(sending), kills, pids, last)
    });
    let stormed = start.elapsed();
    pids.push(last.pid());
    all_ended(&last);
    judge(who, &last, &heard, &kills, stormed);
    assert_eq!(last.stop().code(), Some(0));
    is_intact(&state);
    // As root a daemon has left the rights to remove its own groups; the next start does.
    let next = (who == Who::Root).then(|| Daemon::resumed(who, &state, SETTINGS));
    for pid in pids {
        same_again(&nothing, || Snapshot::after(pid, &cookie));
    }
    drop(next);
    only_known_files(&state);
}

/// When each daemon was killed, and their pids.
fn storm(who: Who, state: &State, stage: &Stage, random: &mut Random) -> (Vec<Span>, Vec<u32>) {
    let (mut times, mut pids) = (Vec::new(), Vec::new());
    for _ in 0..kills(who) {
        if random.once_in(6) {
            // In the middle of starting, of taking up jobs, or a moment after.
            let (begun, after) = (Timestamp::now(), Duration::from_millis(random.below(400) as u64));
            pids.push(Daemon::doomed(who, state, SETTINGS, after));
            times.push((begun, Timestamp::now()));
            continue;
        }
        let daemon = Daemon::resumed(who, state, SETTINGS);
        pids.push(daemon.pid());
        stage.listens(Some(daemon.address));
        thread::sleep(Duration::from_millis(50 + random.below(1600) as u64));
        let before = Timestamp::now();
        daemon.kill();
        times.push((before, Timestamp::now()));
        stage.listens(None);
    }
    (times, pids)
}

fn judge(who: Who, daemon: &Daemon, heard: &[Heard], kills: &[Span], stormed: Duration) {
    let listed = listed(daemon);
    let sent = || heard.iter().flat_map(|heard| &heard.known);
    let count = &Judge::all(daemon, &listed, heard, kills, &[]);
    let all: usize = listed.values().map(Vec::len).sum();
    assert_eq!(all, count.jobs, "there are jobs that nobody sent");
    let (broken, put_off) = told_otherwise(heard);
    figure(format!(
        "{}: {} kills in {:.1} s, {} jobs sent by {CLIENTS} clients, {} taken with {} events; {} acknowledged, {} more \
         taken though the answer was lost, {broken} connections broken, {put_off} times put off",
        who.name(),
        kills.len(),
        stormed.as_secs_f64(),
        sent().count(),
        count.jobs,
        count.events,
        count.acknowledged,
        count.unanswered_but_taken,
    ));
    figure(format!(
        "{}: {} lost, {} run again, {} waited through a kill, {} answered again by their key; every one ended once",
        who.name(),
        count.lost,
        count.retried,
        count.carried_over,
        count.replayed,
    ));
    let seen = |kind: &Kind| sent().any(|known| known.kind == *kind);
    assert!(Kind::ALL.iter().all(seen), "a kind of job was never sent");
    // Else the storm has shown nothing.
    let cut = if kills.len() < KILLS { count.lost + count.retried } else { count.lost.min(count.retried) };
    assert!(cut > 0 && count.carried_over > 0 && count.replayed > 0, "{count:?}");
}

/// Nothing half-written stays in the state directory.
fn only_known_files(state: &State) {
    for (path, bytes) in state.files() {
        let name = path.display().to_string();
        let known = ["journal.", "blobs/sha256/", "images/images.db", "images/locks/"];
        let known = known.iter().any(|begin| name.starts_with(begin));
        assert!(known, "{name} ({bytes} bytes) was left in the state directory");
    }
}
