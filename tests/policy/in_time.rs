//! Policies that take longer than they may: how soon they are stopped, and that nobody waits for them.

use std::time::Instant;

use serde_json::{Value, json};
use support::{Case, Daemon, State, Who, cases, figure, policy_folder, stockade};

use crate::kit::{hostile, policy};
use crate::stage::{decision, denied, entry, job, only, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![stopped_in_time, what_it_asks_for_ends_in_time, others_are_served_meanwhile]
}

const BUDGET: u64 = 50;
/// The step in which time is counted.
const CLOCK: u64 = 2;
/// What a busy machine may add.
const LATE: u64 = 250;
/// And one that does not run at all for a while.
const STALLED: u64 = 4000;

fn stopped_in_time(who: Who) {
    let bundle = entry("spin", "spin", &format!("timeout_ms = {BUDGET}\n{}", only("spin")));
    let daemon = Daemon::with_policies(who, &bundle, &[("spin.wasm", &hostile("spin", &["validation"]))]);
    in_time(&daemon, "spin", &job("spin"), 20);
    // Its neighbours wait for a place at most, not for it.
    let spinning: Vec<_> = (0..8)
        .map(|_| {
            let address = daemon.address;
            std::thread::spawn(move || {
                support::Client::new(address).post("/jobs?wait=true", &job("spin")).status
            })
        })
        .collect();
    let start = Instant::now();
    assert_eq!(send(&daemon, &job("none")).json()["status"], "succeeded");
    figure(format!("{}: a job beside 8 spinning policies: {} ms", who.name(), start.elapsed().as_millis()));
    for one in spinning {
        assert_eq!(one.join().expect("a client"), 500);
    }
}

/// What such calls took, of which the first makes its own instance.
fn in_time(daemon: &Daemon, name: &str, request: &Value, calls: usize) {
    let mut took: Vec<u64> = (0..calls)
        .map(|_| {
            let problem = denied(&send(daemon, request), 500, "policy_failed");
            let one = decision(&problem, name);
            assert_eq!(one["code"], "timeout", "{one}");
            one["duration_us"].as_u64().expect("a duration")
        })
        .collect();
    took.sort_unstable();
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    let who = daemon.who.name();
    figure(format!("{who}: `{name}` with {BUDGET} ms: stopped after {median} us, worst {worst} us"));
    assert!(median >= (BUDGET - CLOCK) * 1000, "it has its time: {took:?}");
    let late = took.iter().filter(|took| **took > (BUDGET + LATE) * 1000).count();
    assert!(late <= 1 && worst <= (BUDGET + STALLED) * 1000, "{took:?}");
}

/// No clock interrupts what the host does for a policy, so the host looks at it.
fn what_it_asks_for_ends_in_time(who: Who) {
    let asks = |ask: &str| policy("hostile/asks", &[("ASK", ask)], &["validation"]);
    let names = ["digest", "document"];
    let files =
        [("digest.wasm", asks("$digest @\"large\"")), ("document.wasm", asks("$json @\"/no/such/thing\""))];
    let bundle = names.map(|name| entry(name, name, &format!("timeout_ms = {BUDGET}\n{}", only(name))));
    let files = files.each_ref().map(|(name, wasm)| (*name, wasm.as_slice()));
    let daemon = Daemon::with_policies(who, &bundle.concat(), &files);
    let mut large = job("digest");
    large["files"] = json!([{"path": "large", "text": "x".repeat(24 << 20)}]);
    in_time(&daemon, "digest", &large, 5);
    let mut wordy = job("document");
    wordy["command"] = Value::Null;
    let step = |name: usize| json!({"name": format!("s{name}"), "command": vec!["x"; 50_000]});
    wordy["steps"] = (0..20).map(step).collect();
    in_time(&daemon, "document", &wordy, 5);
}

/// With the daemon's one thread for all that it does.
fn others_are_served_meanwhile(who: Who) {
    let bundle = entry("spin", "spin", &format!("timeout_ms = 3000\n{}", only("spin")));
    let folder = policy_folder("", &bundle, &[("spin.wasm", &hostile("spin", &["validation"]))]);
    let settings = folder.path().join("stockade.toml");
    let mut command = who.command(stockade());
    command.env("TOKIO_WORKER_THREADS", "1");
    let settings = settings.to_str().expect("a temporary path is text");
    let daemon = Daemon::behind(who, command, &["--config", settings], State::new(who));
    // A call that makes its own instance, another that has more made, and then those that find one ready.
    for _ in 0..4 {
        let served = std::thread::scope(|all| {
            let spinning = all.spawn(|| denied(&send(&daemon, &job("spin")), 500, "policy_failed"));
            let served = (0..).take_while(|_| !spinning.is_finished());
            served.inspect(|_| assert_eq!(daemon.client().get("/healthz").status, 200)).count()
        });
        assert!(served > 30, "others were served {served} times while a policy spun for three seconds");
    }
}
