//! What policies cost: `true` over HTTP by a daemon without any, beside the same with five that are asked about every job.

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

struct Side {
    daemon: Daemon,
    latencies: Vec<Duration>,
    jobs: Vec<Value>,
}

impl Side {
    fn new(daemon: Daemon) -> Self {
        let side = Self { daemon, latencies: Vec::new(), jobs: Vec::new() };
        // What is loaded at the first run is no part of the others.
        (0..5).for_each(|_| drop(run(&mut side.daemon.client())));
        side
    }

    fn turn(&mut self, client: &mut Client) {
        for _ in 0..TURN {
            let start = Instant::now();
            let job = run(client);
            self.latencies.push(start.elapsed());
            self.jobs.push(job);
        }
    }
}

fn run(client: &mut Client) -> Value {
    let job = client.post("/jobs?wait=true", &json!({"command": ["true"]})).json();
    assert_eq!(job["status"], "succeeded", "{job}");
    job
}

/// In turns, as in the race of the peers, and apart from it.
pub(crate) fn compare(rounds: usize) {
    let who = if nix::unistd::geteuid().is_root() { Who::Root } else { Who::User };
    let mut bare = Side::new(Daemon::start(who, &[]));
    let mut asked = Side::new(Daemon::with_policies(who, BUNDLE, &[]));
    let (mut to_bare, mut to_asked) = (bare.daemon.client(), asked.daemon.client());
    for _ in 0..rounds {
        bare.turn(&mut to_bare);
        asked.turn(&mut to_asked);
    }
    table::line("five policies asked about every job, one client, microseconds: p50, p99");
    let micros =
        |all: &[Duration]| all.iter().map(|one| u64::try_from(one.as_micros()).unwrap_or(u64::MAX)).collect();
    let (without, with): (Vec<u64>, Vec<u64>) = (micros(&bare.latencies), micros(&asked.latencies));
    let (without, with) = (Spread::of(without), Spread::of(with));
    without.print("`true` over HTTP, no policies");
    with.print("`true` over HTTP, five policies");
    let (half, most) = with.more_than(&without);
    table::line(&format!("  difference: {half}, {most}"));
    let without = admission("no policies", &bare.jobs);
    let with = admission("five policies", &asked.jobs);
    let (half, most) = with.more_than(&without);
    let reached = if half <= AIM.0 && most <= AIM.1 { "reached" } else { "NOT reached" };
    table::line(&format!(
        "  aim: at most {}, {} added to admission: {half}, {most}, {reached}",
        AIM.0, AIM.1
    ));
    for policy in ["labels", "limits", "images", "quota", "secrets"] {
        Spread::of(asked.jobs.iter().map(|job| calls(job, |name| name == policy)).collect()).print(policy);
    }
    Spread::of(asked.jobs.iter().map(|job| calls(job, |_| true)).collect())
        .print("all calls of a job together");
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
