//! Mixed jobs for a long time, while one thing after the other goes wrong.

use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use support::{Case, Daemon, Needs, Random, Snapshot, State, Who, cases, figure, rss_kib, same_again};

use crate::clients::{Ending, Heard, Stage, all_heard, begin, told_otherwise};
use crate::disk::Disk;
use crate::faults::{Fault, Faults, Times};
use crate::journal::is_intact;
use crate::judge::{Judge, all_ended, listed};

pub(crate) fn cases() -> Vec<Case> {
    cases![faults_one_after_the_other].into_iter().map(|case| case.needs(Needs::Program("prlimit"))).collect()
}

const CLIENTS: usize = 4;
const SETTINGS: &str =
    "max_running = 4\nmax_queued = 60\nmemory_bytes = 8589934592\ncpu_overcommit = 16.0\nlog = \"error\"";
const SEED: &str = "STOCKADE_CHAOS_SEED";
const SECONDS: u64 = 120;
/// Of the other user than the one that the suite was started by.
const FEWER: u64 = 30;
/// The launcher is given up at 21 deaths a minute.
const BETWEEN_KILLS: Duration = Duration::from_secs(5);
const SLACK_KIB: u64 = 32 << 10;

fn seconds(who: Who) -> Duration {
    let given = std::env::var("STOCKADE_SOAK_SECONDS").ok();
    let other = geteuid().is_root() && who != Who::Root;
    let usual = if other { FEWER } else { SECONDS };
    Duration::from_secs(given.map_or(usual, |text| text.parse().expect("a number of seconds")))
}

fn faults_one_after_the_other(who: Who) {
    let seed = Random::seed_of(SEED);
    figure(format!("{}: {SEED}={seed}", who.name()));
    let mut random = Random::new(seed);
    // Every job stays on record until it is judged: 4 KiB each, and hundreds of them a second.
    let disk = (who == Who::Root).then(|| Disk::new(192 + 2 * seconds(who).as_secs()));
    let state = disk.as_ref().map_or_else(|| State::new(who), |disk| State::below(who, disk.path()));
    let daemon = Daemon::resumed(who, &state, SETTINGS);
    let cookie = format!("0000{}", daemon.pid());
    // Whoever cannot be served now is told so, and sends it again.
    let stage = Stage::new(&[409, 429, 500, 503, 507]);
    stage.listens(Some(daemon.address));
    let seeds: Vec<u64> = (0..CLIENTS).map(|_| random.any()).collect();
    let (mut before, mut resident) = (Snapshot::default(), 0);
    let mut faults =
        Faults { daemon: &daemon, disk: disk.as_ref(), random, times: Times::default(), count: 0 };
    let heard: Vec<Heard> = thread::scope(|scope| {
        // One of each first: they grow what all later ones use.
        (before, resident) = warm(&mut faults, &cookie);
        let sending = begin(scope, &stage, &cookie, seeds);
        let ending = Ending(&stage);
        storm(&mut faults, seconds(who));
        drop(ending);
        all_heard(sending)
    });
    let (times, count) = (faults.times, faults.count);
    all_ended(&daemon);
    judge(who, &daemon, &heard, &times, count);
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    let after = rss_kib(daemon.pid());
    figure(format!("{}: resident {resident} -> {after} KiB", who.name()));
    assert!(after < resident + SLACK_KIB, "{resident} -> {after} KiB");
    assert_eq!(daemon.stop().code(), Some(0));
    is_intact(&state);
}

/// What belongs to the daemon when no job runs, and its memory.
fn warm(faults: &mut Faults<'_>, cookie: &str) -> (Snapshot, u64) {
    for fault in Fault::ALL {
        faults.inject(fault);
    }
    let daemon = faults.daemon;
    for _ in 0..20 {
        daemon.run(&serde_json::json!({"command": ["true"], "retry": {"max_attempts": 3}}));
    }
    (Snapshot::idle(daemon, cookie), rss_kib(daemon.pid()))
}

fn storm(faults: &mut Faults<'_>, time: Duration) {
    let (start, mut killed) = (Instant::now(), Instant::now());
    while start.elapsed() < time {
        let fault = *faults.random.pick(&Fault::ALL);
        if fault == Fault::LauncherKilled {
            if killed.elapsed() < BETWEEN_KILLS {
                continue;
            }
            killed = Instant::now();
        }
        faults.inject(fault);
        thread::sleep(Duration::from_millis(faults.random.below(800) as u64));
    }
}

fn judge(who: Who, daemon: &Daemon, heard: &[Heard], times: &Times, faults: u32) {
    let (kills, shortages) = (&times.kills, &times.shortages);
    let count = &Judge::all(daemon, &listed(daemon), heard, kills, shortages);
    let (broken, put_off) = told_otherwise(heard);
    figure(format!(
        "{}: {faults} faults, {} of them launchers killed; {} jobs taken, {} lost, {} run again, {} ended for want of something, \
         {put_off} times put off, {broken} connections broken; every one ended once",
        who.name(),
        kills.len(),
        count.jobs,
        count.lost,
        count.retried,
        count.short,
    ));
    // Else the soak has shown nothing.
    assert!(count.jobs > 100 && !kills.is_empty() && !shortages.is_empty(), "{count:?}");
}
