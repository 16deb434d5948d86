//! Two bundles in turn, thousands of times, under load: every answer is one bundle's and no answer is both's or nobody's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{BUNDLE, Case, Client, Daemon, Who, cases, figure, rss_kib};

use crate::kit::policy;
use crate::stage::{entry, generation};

pub(crate) fn cases() -> Vec<Case> {
    cases![under_load].into_iter().map(Case::alone).collect()
}

const RELOADS: u64 = 10_000;
/// By then everything has its size.
const SETTLED: u64 = 500;
/// For the rest of them, and for the jobs beside them, in the allocator's pieces: a leak of 2 KiB for each is more.
const MORE_KIB: u64 = 16 << 10;
const CLIENTS: usize = 2;

/// Denies jobs of one colour; `witness` is asked about every job, before and after it got its container.
fn bundle(colour: &str) -> String {
    let door = format!("match = {{ labels = {{ colour = {colour:?} }} }}");
    entry("witness", "witness", "order = 1") + &entry("door", "door", &door)
}

/// Odd generations deny red jobs, even ones blue.
fn denies(generation: u64) -> &'static str {
    if generation.is_multiple_of(2) { "blue" } else { "red" }
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    admitted: u64,
    denied: u64,
    generations: u64,
}

fn under_load(who: Who) {
    let files = [
        ("witness.wasm", policy("allow", &[], &["validation", "pre-start"])),
        ("door.wasm", policy("deny", &[("CODE", "wrong-colour"), ("RETRYABLE", "0")], &["validation"])),
    ];
    let daemon =
        Daemon::with_policies(who, &bundle("red"), &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    let (over, newest) = (AtomicBool::new(false), AtomicU64::new(1));
    let start = Instant::now();
    let (seen, settled) = std::thread::scope(|scope| {
        let (daemon, over, newest) = (&daemon, &over, &newest);
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| scope.spawn(move || client(daemon, number, over, newest))).collect();
        let settled = reload(daemon, newest);
        over.store(true, Relaxed);
        let seen: Vec<Seen> = clients.into_iter().map(|client| client.join().expect("a client")).collect();
        (seen, settled)
    });
    let took = start.elapsed();
    let last = rss_kib(daemon.pid());
    let jobs: u64 = seen.iter().map(|seen| seen.admitted + seen.denied).sum();
    figure(format!(
        "{}: {RELOADS} reloads in {:.1} s beside {jobs} jobs: memory {settled} KiB after {SETTLED}, {last} KiB at the end",
        who.name(),
        took.as_secs_f64()
    ));
    figure(format!("{}: {seen:?}", who.name()));
    assert_eq!(generation(&daemon), RELOADS + 1);
    assert!(
        seen.iter().all(|seen| seen.admitted > 10 && seen.denied > 10 && seen.generations > 10),
        "{seen:?}"
    );
    assert!(last < settled + MORE_KIB, "{settled} -> {last} KiB");
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}

/// The daemon's memory after the first of them.
fn reload(daemon: &Daemon, newest: &AtomicU64) -> u64 {
    let mut client = daemon.client();
    let mut settled = 0;
    for reloads in 1..=RELOADS {
        let number = reloads + 1;
        daemon.rewrite(BUNDLE, bundle(denies(number)));
        let answer = client.post("/policies/reload", &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["generation"], number, "{}", answer.text());
        newest.store(number, Relaxed);
        if reloads == SETTLED {
            settled = rss_kib(daemon.pid());
        }
    }
    settled
}

fn client(daemon: &Daemon, number: usize, over: &AtomicBool, newest: &AtomicU64) -> Seen {
    let mut client = Client::new(daemon.address);
    let mut seen = Seen::default();
    let mut last = 0;
    let mut red = number.is_multiple_of(2);
    while !over.load(Relaxed) {
        let colour = if red { "red" } else { "blue" };
        red = !red;
        let before = newest.load(Relaxed);
        let request = json!({"command": ["true"], "labels": {"colour": colour}});
        let answer = client.post("/jobs?wait=true", &request);
        let record = answer.json();
        let decided = judged(answer.status, &record, colour);
        // Not one that was replaced before it was asked, and not one that is to come.
        let after = newest.load(Relaxed) + 1;
        assert!((before..=after).contains(&decided), "{before} <= {decided} <= {after}: {record}");
        match answer.status {
            200 => seen.admitted += 1,
            _ => seen.denied += 1,
        }
        seen.generations += u64::from(decided != last);
        last = decided;
        // Reloads must get their turn on two cores.
        std::thread::sleep(Duration::from_millis(1));
    }
    seen
}

/// The one generation of all decisions, whose bundle the verdict must fit.
fn judged(status: u16, record: &Value, colour: &str) -> u64 {
    let decisions = record["policy"].as_array().unwrap_or_else(|| panic!("no decisions: {record}"));
    let all: Vec<u64> = decisions.iter().filter_map(|one| one["generation"].as_u64()).collect();
    let of = all.first().copied().unwrap_or_else(|| panic!("nobody was asked: {record}"));
    assert!(all.iter().all(|one| *one == of), "two sets in one answer: {record}");
    let names: Vec<&str> = decisions.iter().filter_map(|one| one["policy"].as_str()).collect();
    if colour == denies(of) {
        assert_eq!((status, &names[..]), (403, &["witness", "door"][..]), "{record}");
    } else {
        assert_eq!((status, &names[..]), (200, &["witness", "witness"][..]), "{record}");
        assert_eq!(record["status"], "succeeded", "{record}");
    }
    of
}
