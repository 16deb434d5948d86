//! The launcher is killed again and again, and its daemon goes on.

mod judged;
mod orders;
mod short;
mod stopped;
mod stuck;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use support::{
    Case, Daemon, Snapshot, State, Who, cases, children_of, eventually, figure, patient, rss_kib, same_again,
    sleeping, status_of,
};

pub(crate) fn cases() -> Vec<Case> {
    let both = cases![killed_under_jobs].into_iter().map(|case| case.only(&Who::ALL));
    let rest = cases![killed_ten_times, dies_too_often].into_iter();
    both.chain(rest)
        .chain(judged::cases())
        .chain(orders::cases())
        .chain(stopped::cases())
        .chain(short::cases())
        .chain(stuck::cases())
        .collect()
}

const SETTINGS: &str = "max_running = 8\nmemory_bytes = 8589934592\ncpu_overcommit = 16.0\nlog = \"warn\"";
const RUNNING: usize = 8;
const WAITING: usize = 8;
/// What waits may start late by so much, which is mostly a second; design §1's service figures are for a launcher that lives.
const SOON: Duration = Duration::from_secs(10);
const SLACK_KIB: u64 = 8 << 10;
/// It is given up at 21.
const OFTEN: usize = 15;
/// Longer than the last deaths take.
const PATIENCE_MS: u64 = 20_000;

fn kill_9(pid: u32) {
    signal(pid, Signal::SIGKILL);
}

fn signal(pid: u32, which: Signal) {
    // It may be gone already.
    let _ = kill(Pid::from_raw(pid.cast_signed()), which);
}

fn cancel(daemon: &Daemon, id: &str) {
    let answer = daemon.client().request("POST", &format!("/jobs/{id}/cancel"), &[], b"");
    assert_eq!(answer.status, 202, "{}", answer.text());
}

fn ended(daemon: &Daemon, ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| daemon.ended(id)).collect()
}

/// Those that ran are lost, or run again where they may; those that waited never notice.
fn killed_under_jobs(who: Who) {
    let daemon = Daemon::configured(who, SETTINGS);
    let cookie = format!("70{}", daemon.pid());
    daemon.run(&json!({"command": ["true"]}));
    let before = Snapshot::idle(&daemon, &cookie);
    let sleep = json!({"command": ["sleep", cookie], "limits": {"wall_time_ms": 60_000}});
    // The first attempt is cut off; the second finds a folder of its own, as fresh as the first.
    let again = json!({"command": ["sh", "-c", format!("test ! -e was-here && touch was-here; sleep 9.{cookie}")],
        "retry": {"max_attempts": 2}});
    let lost: Vec<String> = (0..RUNNING / 2).map(|_| daemon.submit(&sleep)).collect();
    let retried: Vec<String> = (0..RUNNING / 2).map(|_| daemon.submit(&again)).collect();
    eventually(Duration::from_secs(10), "all of them run", || {
        (sleeping(&cookie).len() + sleeping(&format!("9.{cookie}")).len() == RUNNING).then_some(())
    });
    let waiting: Vec<String> = (0..WAITING).map(|_| daemon.submit(&json!({"command": ["true"]}))).collect();
    let first = daemon.launcher();
    let start = Instant::now();
    kill_9(first);
    let waited = ended(&daemon, &waiting);
    figure(format!(
        "{}: {WAITING} waiting jobs ended {} ms after the kill",
        who.name(),
        start.elapsed().as_millis()
    ));
    for job in &waited {
        assert_eq!((&job["status"], &job["attempt"]), (&json!("succeeded"), &json!(1)), "{job}");
    }
    for job in ended(&daemon, &lost) {
        assert_eq!((&job["status"], &job["cause"]["kind"]), (&json!("lost"), &json!("lost")), "{job}");
    }
    for job in ended(&daemon, &retried) {
        assert_eq!((&job["status"], &job["attempt"]), (&json!("succeeded"), &json!(2)), "{job}");
    }
    assert_ne!(daemon.launcher(), first);
    assert_eq!(daemon.client().get("/readyz").status, 200);
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    assert_eq!(daemon.stop().code(), Some(0));
}

fn killed_ten_times(who: Who) {
    const KILLS: usize = 10;
    let daemon = Daemon::configured(who, SETTINGS);
    let cookie = format!("71{}", daemon.pid());
    // The first deaths grow what all later ones use.
    let mut slowest = (0..2).map(|_| killed_once(&daemon)).max().expect("two");
    let before = Snapshot::idle(&daemon, &cookie);
    let resident = [rss_kib(daemon.pid()), rss_kib(daemon.keeper())];
    for _ in 0..KILLS {
        slowest = slowest.max(killed_once(&daemon));
    }
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    let after = [rss_kib(daemon.pid()), rss_kib(daemon.keeper())];
    figure(format!(
        "{}: {KILLS} kills, the slowest job after one took {} ms; resident KiB of daemon and keeper {resident:?} -> {after:?}",
        who.name(),
        slowest.as_millis()
    ));
    assert!(
        after.iter().zip(resident).all(|(after, before)| *after < before + SLACK_KIB),
        "{resident:?} {after:?}"
    );
    assert!(slowest < patient(SOON), "{slowest:?}");
    assert_eq!(daemon.stop().code(), Some(0));
}

/// How long the next job took.
fn killed_once(daemon: &Daemon) -> Duration {
    kill_9(daemon.launcher());
    let start = Instant::now();
    let job = daemon.run(&json!({"command": ["true"], "retry": {"max_attempts": 2}}));
    assert_eq!(job["status"], "succeeded", "{job}");
    start.elapsed()
}

/// One that dies again and again is given up: told to whoever asks, while what waits is kept for the next start.
fn dies_too_often(who: Who) {
    let state = State::new(who);
    let daemon = Daemon::resumed(who, &state, "max_running = 2\nlog = \"warn\"");
    let cookie = format!("72{}", daemon.pid());
    let (keeper, start) = (daemon.keeper(), Instant::now());
    let mut killed = BTreeSet::new();
    let mut kill_next = || {
        // Orphans of the one before are its children too.
        let is_launcher = |pid: &u32| status_of(*pid, "Name").as_deref() == Some("stockade-launch");
        for launcher in children_of(keeper).into_iter().filter(is_launcher) {
            killed.insert(launcher);
            kill_9(launcher);
        }
        killed.len()
    };
    eventually(Duration::from_mins(1), "it has died often", || (kill_next() >= OFTEN).then_some(()));
    // Few deaths are left, each of which takes an attempt at most.
    let sleep = json!({"command": ["sleep", cookie], "retry": {"max_attempts": 10}});
    let (running, unwanted) = (daemon.submit(&sleep), daemon.submit(&sleep));
    let short = daemon.submit(&json!({"command": ["true"], "queue_timeout_ms": PATIENCE_MS}));
    let unwanted = [unwanted, daemon.submit(&json!({"command": ["true"]}))];
    let waiting = daemon.submit(&json!({"command": ["echo", "at last"], "retry": {"max_attempts": 10}}));
    eventually(Duration::from_mins(1), "the launcher is given up", || {
        kill_next();
        (daemon.client().get("/healthz").status == 503).then_some(())
    });
    figure(format!("{}: given up after {} deaths in {:?}", who.name(), killed.len(), start.elapsed()));
    for path in ["/healthz", "/readyz"] {
        let answer = daemon.client().get(path);
        assert_eq!(
            (answer.status, &answer.json()["type"]),
            (503, &json!("urn:stockade:problem:launcher_gone")),
            "{path}"
        );
    }
    let start = Instant::now();
    let answer = daemon.client().post("/jobs?wait=true", &json!({"command": ["true"]}));
    assert_eq!((answer.status, &answer.json()["type"]), (503, &json!("urn:stockade:problem:launcher_gone")));
    assert!(start.elapsed() < patient(SOON), "{:?}", start.elapsed());
    eventually(Duration::from_secs(5), "all wait", || {
        let ids = [&running, &waiting, &unwanted[0], &unwanted[1]];
        ids.iter().all(|id| daemon.job(id)["status"] == "queued").then_some(())
    });
    for id in &unwanted {
        cancel(&daemon, id);
        eventually(SOON, "it is cancelled", || (daemon.job(id)["status"] == "cancelled").then_some(()));
    }
    eventually(Duration::from_millis(PATIENCE_MS), "the impatient one expires", || {
        (daemon.job(&short)["status"] == "expired").then_some(())
    });
    assert_eq!(daemon.stop().code(), Some(0));
    let next = Daemon::resumed(who, &state, "log = \"warn\"");
    let job = next.ended(&waiting);
    assert_eq!(
        (&job["status"], &job["steps"][0]["stdout"]["text"]),
        (&json!("succeeded"), &json!("at last\n")),
        "{job}"
    );
    eventually(Duration::from_secs(10), "the other runs again", || {
        (next.job(&running)["status"] == "running").then_some(())
    });
    cancel(&next, &running);
    assert_eq!(next.ended(&running)["status"], "cancelled");
    assert_eq!(next.stop().code(), Some(0));
}
