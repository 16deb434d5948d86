//! Start to finish of `true`: a job over HTTP beside what others need for a container of their own.
//!
//! `cargo bench -p tests` or, in about a minute, `cargo bench -p tests -- --quick`. See README.md for what is compared.
//! `cargo bench -p tests -- soak` is one daemon on its own, for tens of thousands of jobs; `-- overlay` an image beside `host`.

mod contender;
mod overlay;
mod peers;
mod policy;
mod service;
mod soak;
mod stockade;
mod table;

use std::time::{Duration, Instant};

use contender::{Contender, Skipped};

/// How much is measured: rounds, in each of which everybody has a turn, and the time for all turns of one number of clients.
struct Effort {
    rounds: usize,
    budget: Duration,
    /// Of daemons, with and without policies, which is no race.
    policy_pairs: usize,
    /// Of the comparison of an image with `host`, ten runs of each.
    overlay_turns: usize,
}

const FULL: Effort =
    Effort { rounds: 40, budget: Duration::from_secs(45), policy_pairs: 40, overlay_turns: 100 };
const QUICK: Effort =
    Effort { rounds: 10, budget: Duration::from_secs(10), policy_pairs: 12, overlay_turns: 10 };
const CLIENTS: [usize; 3] = [1, 2, 8];
/// Runs of one client in one turn; those who need longer than this for one run have one.
const RUNS: usize = 10;
const SLOW: Duration = Duration::from_millis(25);

fn main() {
    let told = |word: &str| std::env::args().any(|told| told == word);
    let quick = told("--quick");
    if told("soak") {
        table::machine();
        soak::run(quick);
        return support::tidy();
    }
    let effort = if quick { QUICK } else { FULL };
    if told("overlay") {
        table::machine();
        if let Err(Skipped { name, reason }) = overlay::compare(effort.overlay_turns) {
            table::line(&format!("skipped: {name}: {reason}"));
        }
        return support::tidy();
    }
    let all: Vec<Result<Box<dyn Contender>, Skipped>> =
        stockade::all().into_iter().chain(peers::all()).collect();
    let (mut racing, mut skipped) = (Vec::new(), Vec::new());
    for contender in all {
        match contender.and_then(|contender| contender::warm_up(&*contender).map(|took| (contender, took))) {
            Ok(ready) => racing.push(ready),
            Err(reason) => skipped.push(reason),
        }
    }
    table::machine();
    for clients in CLIENTS {
        table::print(clients, &race(&racing, clients, &effort));
    }
    stockade::breakdown(&racing);
    // Ends the daemons, so that their groups can go.
    drop(racing);
    skipped.extend(overlay::compare(effort.overlay_turns).err());
    policy::compare(effort.policy_pairs);
    soak::run(true);
    support::tidy();
    for Skipped { name, reason } in skipped {
        table::line(&format!("skipped: {name}: {reason}"));
    }
}

/// What one contender did with one number of clients.
struct Score {
    name: String,
    /// Sorted.
    latencies: Vec<Duration>,
    elapsed: Duration,
}

/// In turns, A B C A B C, so that whatever slows the machine down slows all of them.
fn race(racing: &[(Box<dyn Contender>, Duration)], clients: usize, effort: &Effort) -> Vec<Score> {
    let score = |(contender, _): &(Box<dyn Contender>, _)| Score {
        name: contender.name(),
        latencies: Vec::new(),
        elapsed: Duration::ZERO,
    };
    let mut scores: Vec<Score> = racing.iter().map(score).collect();
    let start = Instant::now();
    for _ in 0..effort.rounds {
        for ((contender, took), score) in racing.iter().zip(&mut scores) {
            let runs = if *took > SLOW { 1 } else { RUNS };
            let turn = Instant::now();
            score.latencies.extend(contender::turn(&**contender, clients, runs));
            score.elapsed += turn.elapsed();
        }
        if start.elapsed() > effort.budget {
            break;
        }
    }
    for score in &mut scores {
        score.latencies.sort();
    }
    scores
}
