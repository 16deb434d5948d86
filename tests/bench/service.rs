//! What is measured of the service itself: clients that send jobs and wait for each, and what the daemon holds meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Daemon, rss_kib};

/// What some clients did together.
pub(crate) struct Measured {
    /// Sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) elapsed: Duration,
    pub(crate) ids: Vec<String>,
    /// Of the daemon, at ten moments on the way, in KiB.
    pub(crate) resident: Vec<u64>,
}

impl Measured {
    pub(crate) fn at(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() * percent / 100).min(self.latencies.len() - 1)]
    }

    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.ids.len()).unwrap_or(u32::MAX)) / self.elapsed.as_secs_f64()
    }
}

/// `true`, again and again, over kept connections: each client sends its next job when the last has ended.
pub(crate) fn jobs(daemon: &Daemon, clients: usize, jobs: usize) -> Measured {
    const LOOKS: usize = 10;
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let one = || {
        let (mut client, mut done, mut resident) = (daemon.client(), Vec::new(), Vec::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= jobs {
                return (done, resident);
            }
            if number.is_multiple_of((jobs / LOOKS).max(1)) {
                resident.push((number, rss_kib(daemon.pid())));
            }
            done.push(run(&mut client));
        }
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client")).collect()
    });
    let elapsed = start.elapsed();
    let (mut done, mut resident) = (Vec::new(), Vec::new());
    for (some, looks) in parts {
        done.extend(some);
        resident.extend(looks);
    }
    resident.sort_unstable();
    let (ids, mut latencies): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    latencies.sort();
    Measured { latencies, elapsed, ids, resident: resident.into_iter().map(|(_, kib)| kib).collect() }
}

fn run(client: &mut Client) -> (String, Duration) {
    let start = Instant::now();
    let answer = client.post("/jobs?wait=true", &json!({"command": ["true"]}));
    let took = start.elapsed();
    let job = answer.json();
    assert_eq!((answer.status, &job["status"]), (200, &json!("succeeded")), "{}", answer.text());
    (job["id"].as_str().expect("an id").to_owned(), took)
}

/// The ids of all jobs there are, page by page, and how long that took.
pub(crate) fn listed(daemon: &Daemon) -> (Vec<String>, Duration) {
    let (mut client, mut ids, mut target) = (daemon.client(), Vec::new(), "/jobs?limit=200".to_owned());
    let start = Instant::now();
    loop {
        let page = client.get(&target).json();
        let items = page["items"].as_array().unwrap_or_else(|| panic!("no list: {page}"));
        ids.extend(items.iter().filter_map(|job| job["id"].as_str().map(String::from)));
        match page["next_cursor"].as_str() {
            Some(cursor) => target = format!("/jobs?limit=200&cursor={cursor}"),
            None => return (ids, start.elapsed()),
        }
    }
}

/// By the tenant's own account: jobs that can be asked for, and their bytes in the journal.
pub(crate) fn stored(daemon: &Daemon) -> (u64, u64) {
    let usage: Value = daemon.client().get("/usage").json();
    let number = |field: &str| usage[field].as_u64().unwrap_or_else(|| panic!("no {field}: {usage}"));
    (number("jobs"), number("journal_bytes"))
}
