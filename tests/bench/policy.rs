//! What policies cost: `true` over HTTP by a daemon without any, beside the same with five that are asked about every job.
//!
//! No job is like another. Most differ in their command alone, as jobs of one sender do: one of the five, `secrets`, has it
//! looked through each time, and finds nothing. Of those that are counted apart three see what they have not seen before.

use std::fmt::{self, Display, Formatter};
use std::time::Instant;

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

/// Microseconds that five policies may add to a job, and so to its admission, p50 and p99.
const AIM: (f64, f64) = (100.0, 1000.0);

/// Runs of one daemon before it is the other's turn, and its turns. Two daemons that are alike differ by hundreds of
/// microseconds, each for as long as it lives: what counts is the mean of many pairs.
const RUNS: usize = 20;
const TURNS: usize = 5;

/// What the sender waited for a job, in microseconds, and the job.
type Run = (u64, Value);

/// A daemon without policies, and one with.
#[derive(Default)]
struct Pair {
    bare: Vec<Run>,
    asked: Vec<Run>,
    new: Vec<Run>,
}

type Side = fn(&Pair) -> &Vec<Run>;

impl Pair {
    fn run(who: Who, asked_first: bool) -> Self {
        let bare = || Daemon::start(who, &[]);
        let asked = || Daemon::with_policies(who, BUNDLE, &[]);
        let (bare, asked) = if asked_first {
            let asked = asked();
            (bare(), asked)
        } else {
            (bare(), asked())
        };
        let (mut to_bare, mut to_asked) = (bare.client(), asked.client());
        // What is loaded at the first run is no part of the others.
        turn(&mut Vec::new(), &mut to_bare, usual);
        turn(&mut Vec::new(), &mut to_asked, usual);
        let mut pair = Self::default();
        for _ in 0..TURNS {
            if asked_first {
                turn(&mut pair.asked, &mut to_asked, usual);
            }
            turn(&mut pair.bare, &mut to_bare, usual);
            if !asked_first {
                turn(&mut pair.asked, &mut to_asked, usual);
            }
        }
        turn(&mut pair.new, &mut to_asked, new_to_policies);
        pair
    }
}

fn turn(runs: &mut Vec<Run>, client: &mut Client, body: fn(usize) -> Value) {
    for _ in 0..RUNS {
        let body = body(runs.len());
        let start = Instant::now();
        let answer = client.post("/jobs?wait=true", &body);
        let took = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let job = answer.json();
        assert_eq!(job["status"], "succeeded", "{job}");
        runs.push((took, job));
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
pub(crate) fn compare(pairs: usize) {
    let who = if nix::unistd::geteuid().is_root() { Who::Root } else { Who::User };
    let pairs: Vec<Pair> = (0..pairs).map(|number| Pair::run(who, number % 2 == 1)).collect();
    let count = pairs.len();
    table::line(&format!(
        "five policies asked about every job, one client, {count} pairs of daemons, microseconds: p50, p99"
    ));
    let [bare, asked, new]: [Side; 3] = [|pair| &pair.bare, |pair| &pair.asked, |pair| &pair.new];
    let sides = |of: fn(&Run) -> u64| [bare, asked, new].map(|side| Spread::of(&pairs, side, of));
    let [without, with, _] = sides(|(took, _)| *took);
    print("`true` over HTTP, no policies", &without);
    print("`true` over HTTP, five policies", &with);
    aim("to a job", &without, &with);
    let [without, with, called] = sides(|(_, job)| job["timing"]["admit_us"].as_u64().unwrap_or(u64::MAX));
    print("admit_us, no policies", &without);
    print("admit_us, five policies", &with);
    aim("to admission, the chain's share", &without, &with);
    print("admit_us, five policies, three of them shown what is new", &called);
    aim("to admission by these", &without, &called);
    for (name, side) in [("usual", asked), ("new", new)] {
        let (remembered, all) = remembered(pairs.iter().flat_map(side));
        table::line(&format!("  answers remembered, {name} jobs: {remembered} of {all}"));
    }
    // Those that were called: what is remembered has no time of its own.
    for policy in ["labels", "limits", "images", "quota", "secrets"] {
        print(policy, &Spread::of(&pairs, new, |(_, job)| calls(job, |name| name == policy)));
    }
    print("all calls of a job together", &Spread::of(&pairs, new, |(_, job)| calls(job, |_| true)));
}

fn print(name: &str, all: &[Spread]) {
    let (half, most) = (Mean::of(all.iter().map(|one| one.half)), Mean::of(all.iter().map(|one| one.most)));
    table::line(&format!("  {name}: {:.0}, {:.0}", half.mean, most.mean));
}

fn aim(what: &str, without: &[Spread], with: &[Spread]) {
    let more =
        |of: fn(&Spread) -> f64| Mean::of(without.iter().zip(with).map(|(one, other)| of(other) - of(one)));
    let (half, most) = (more(|one| one.half), more(|one| one.most));
    table::line(&format!("  added {what}: {half}, {most}"));
    let reached = if half.mean <= AIM.0 && most.mean <= AIM.1 { "reached" } else { "NOT reached" };
    table::line(&format!("    aim: at most {}, {}: {reached}", AIM.0, AIM.1));
}

fn remembered<'a>(runs: impl Iterator<Item = &'a Run>) -> (usize, usize) {
    let decisions = runs.filter_map(|(_, job)| job["policy"].as_array()).flatten();
    decisions.fold((0, 0), |(some, all), one| (some + usize::from(one["remembered"] == true), all + 1))
}

/// Time in policies by the decisions' own account.
fn calls(job: &Value, counts: impl Fn(&str) -> bool) -> u64 {
    let all = job["policy"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |one: &&Value| one["policy"].as_str().is_some_and(&counts);
    all.iter().filter(of).filter_map(|one| one["duration_us"].as_u64()).sum()
}

/// Of one daemon's jobs.
struct Spread {
    half: f64,
    most: f64,
}

impl Spread {
    /// One for each pair.
    fn of(pairs: &[Pair], side: Side, of: impl Fn(&Run) -> u64) -> Vec<Self> {
        let one = |pair| {
            let mut all: Vec<u64> = side(pair).iter().map(&of).collect();
            all.sort_unstable();
            #[expect(clippy::cast_precision_loss, reason = "microseconds of a job")]
            let at = |percent: usize| all[(all.len() - 1) * percent / 100] as f64;
            Self { half: at(50), most: at(99) }
        };
        pairs.iter().map(one).collect()
    }
}

/// With its standard error.
struct Mean {
    mean: f64,
    error: f64,
}

impl Mean {
    #[expect(clippy::cast_precision_loss, reason = "a few pairs")]
    fn of(all: impl Iterator<Item = f64>) -> Self {
        let all: Vec<f64> = all.collect();
        let count = all.len() as f64;
        let mean = all.iter().sum::<f64>() / count;
        let squares = all.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
        Self { mean, error: (squares / (count - 1.0) / count).sqrt() }
    }
}

impl Display for Mean {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ± {:.0}", self.mean, self.error)
    }
}
