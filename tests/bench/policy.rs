//! What policies cost: `true` over HTTP by a daemon without any, beside the same with five that are asked about every job.
//!
//! No job is like another. Most differ in their command alone, as jobs of one sender do: one of the five, `secrets`, has it
//! looked through each time, and finds nothing. Of those that are counted apart three see what they have not seen before.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Daemon, Who};

use crate::table;

/// As an operator would have them; the quota is not reached.
const BUNDLE: &str = r#"
[[policy]]
name = "labels"
plugin = "builtin:label-defaults"
order = 10
grants = ["patch"]
settings = { defaults = { owner = "{submitter}", team = "{tenant}" } }

[[policy]]
name = "limits"
plugin = "builtin:resource-limits"
order = 20
grants = ["patch"]
settings = { max = { memory_bytes = 268435456, pids = 64 } }

[[policy]]
name = "images"
plugin = "builtin:image-allowlist"
order = 30
settings = { images = ["host", "docker.io/library/**"] }

[[policy]]
name = "quota"
plugin = "builtin:tenant-quota"
order = 40
grants = ["facts", "kv"]
settings = { default = { max_queued_jobs = 500 } }

[[policy]]
name = "secrets"
plugin = "builtin:secret-scan"
order = 50
grants = ["job-files"]
"#;

/// Microseconds that five policies may add to an admission, p50 and p99.
const AIM: (i128, i128) = (100, 1000);

/// Runs of one daemon before it is the other's turn.
const TURN: usize = 20;

#[derive(Default)]
struct Side {
    latencies: Vec<Duration>,
    jobs: Vec<Value>,
}

impl Side {
    fn turn(&mut self, client: &mut Client, body: fn(usize) -> Value) {
        for _ in 0..TURN {
            let body = body(self.jobs.len());
            let start = Instant::now();
            let job = client.post("/jobs?wait=true", &body).json();
            self.latencies.push(start.elapsed());
            assert_eq!(job["status"], "succeeded", "{job}");
            self.jobs.push(job);
        }
    }
}

fn usual(number: usize) -> Value {
    json!({"command": ["true", number.to_string()]})
}

/// In its labels, limits and files, which begin as a token does.
fn new_to_policies(number: usize) -> Value {
    json!({
        "command": ["true"],
        "labels": {"owner": number.to_string()},
        "limits": {"memory_bytes": 100_000_000 + number},
        "files": [{"path": "number", "text": format!("npm_{number}")}],
    })
}

/// In turns, as in the race of the peers, and apart from it.
pub(crate) fn compare(rounds: usize) {
    let who = if nix::unistd::geteuid().is_root() { Who::Root } else { Who::User };
    let (bare, asked) = (Daemon::start(who, &[]), Daemon::with_policies(who, BUNDLE, &[]));
    let (mut to_bare, mut to_asked) = (bare.client(), asked.client());
    // What is loaded at the first run is no part of the others.
    Side::default().turn(&mut to_bare, usual);
    Side::default().turn(&mut to_asked, usual);
    let (mut bare, mut asked, mut new) = (Side::default(), Side::default(), Side::default());
    for _ in 0..rounds {
        bare.turn(&mut to_bare, usual);
        asked.turn(&mut to_asked, usual);
        new.turn(&mut to_asked, new_to_policies);
    }
    table::line("five policies asked about every job, one client, microseconds: p50, p99");
    let (without, with) = (latency("no policies", &bare), latency("five policies", &asked));
    let _ = added("to a job", &without, &with);
    let without = admission("no policies", &bare.jobs);
    let (half, most) = added("to admission", &without, &admission("five policies", &asked.jobs));
    let reached = if half <= AIM.0 && most <= AIM.1 { "reached" } else { "NOT reached" };
    table::line(&format!("  aim: at most {}, {} added to admission: {reached}", AIM.0, AIM.1));
    let called = admission("five policies, three of them shown what is new", &new.jobs);
    let _ = added("to admission by these", &without, &called);
    for (name, jobs) in [("usual", &asked.jobs), ("new", &new.jobs)] {
        let (remembered, all) = remembered(jobs);
        table::line(&format!("  answers remembered, {name} jobs: {remembered} of {all}"));
    }
    for policy in ["labels", "limits", "images", "quota", "secrets"] {
        Spread::of(asked.jobs.iter().map(|job| calls(job, |name| name == policy)).collect()).print(policy);
    }
    Spread::of(asked.jobs.iter().map(|job| calls(job, |_| true)).collect())
        .print("all calls of a job together");
}

fn added(what: &str, without: &Spread, with: &Spread) -> (i128, i128) {
    let (half, most) = with.more_than(without);
    table::line(&format!("  added {what}: {half}, {most}"));
    (half, most)
}

fn latency(name: &str, side: &Side) -> Spread {
    let micros = |one: &Duration| u64::try_from(one.as_micros()).unwrap_or(u64::MAX);
    let all = Spread::of(side.latencies.iter().map(micros).collect());
    all.print(&format!("`true` over HTTP, {name}"));
    all
}

fn remembered(jobs: &[Value]) -> (usize, usize) {
    let decisions = || jobs.iter().filter_map(|job| job["policy"].as_array()).flatten();
    (decisions().filter(|one| one["remembered"] == true).count(), decisions().count())
}

fn admission(name: &str, jobs: &[Value]) -> Spread {
    let all = Spread::of(jobs.iter().filter_map(|job| job["timing"]["admit_us"].as_u64()).collect());
    all.print(&format!("admit_us, {name}"));
    all
}

/// Time in policies by the decisions' own account.
fn calls(job: &Value, counts: impl Fn(&str) -> bool) -> u64 {
    let all = job["policy"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |one: &&Value| one["policy"].as_str().is_some_and(&counts);
    all.iter().filter(of).filter_map(|one| one["duration_us"].as_u64()).sum()
}

struct Spread {
    half: u64,
    most: u64,
}

impl Spread {
    fn of(mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        let at = |percent: usize| all[(all.len() * percent / 100).min(all.len() - 1)];
        Self { half: at(50), most: at(99) }
    }

    fn more_than(&self, other: &Self) -> (i128, i128) {
        let more = |this: u64, that: u64| i128::from(this) - i128::from(that);
        (more(self.half, other.half), more(self.most, other.most))
    }

    fn print(&self, name: &str) {
        table::line(&format!("  {name}: {}, {}", self.half, self.most));
    }
}
