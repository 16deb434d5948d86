//! Cases of a step: each in a sandbox of its own over what the steps before have left, and nothing of it comes back.

mod attack;
mod held;
mod judged;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Case, Daemon, Snapshot, Who, cases, figure, running, same_again};

pub(crate) fn cases() -> Vec<Case> {
    let everyone = cases![write_to_copies_of_their_own, know_nothing_of_each_other];
    let everyone = everyone.into_iter().chain(attack::cases()).map(|case| case.only(&Who::ALL));
    let mut all: Vec<Case> = everyone.collect();
    all.extend(cases![two_hundred_at_a_time].into_iter().map(|case| case.only(&Who::ALL).alone()));
    all.extend(judged::cases());
    all.extend(held::cases());
    all.extend(cases![cancelled_in_the_middle, paused_and_resumed]);
    all
}

/// The step named `test` of a job that was run to its end.
fn tested(job: &Value) -> &Value {
    let steps = job["steps"].as_array().expect("a job has steps");
    steps.iter().find(|step| step["name"] == "test").expect("a step named `test`")
}

fn statuses(step: &Value) -> Vec<&str> {
    let cases = step["cases"].as_array().expect("a step with cases");
    cases.iter().map(|case| case["status"].as_str().expect("a status")).collect()
}

fn outputs(step: &Value) -> Vec<&str> {
    let cases = step["cases"].as_array().expect("a step with cases");
    cases.iter().map(|case| case["stdout"]["text"].as_str().expect("text")).collect()
}

/// Names, contents, modes: all that can be seen of a folder.
const STATE: &str = "cd /workspace; find . -printf '%p %M %s\\n' | sort; cat a deep/er/b locked";

fn write_to_copies_of_their_own(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let build = "mkdir -p deep/er gone empty; echo a > a; echo b > deep/er/b; echo g > gone/g; ln a hard; ln -s a soft; \
                 echo l > locked; chmod 444 locked; mkdir shut; chmod 555 shut";
    let change = "set -e; ! echo x 2>/dev/null > locked; ! touch shut/x 2>/dev/null; echo more >> a; cat a; rm -r gone; \
                  mkdir gone; ls gone; touch gone/new; rm deep/er/b; mv empty moved; chmod 600 locked; echo x > locked; \
                  rm soft; ln -s deep soft; mkdir $1; ls; rm -rf deep; mkdir -p deep/er; echo mine > deep/er/b; cat deep/er/b";
    let job = daemon.run(&json!({"steps": [
        {"name": "build", "command": ["sh", "-c", build]},
        {"name": "before", "command": ["sh", "-c", STATE]},
        {"name": "test", "command": ["sh", "-c", change, "sh"], "cases": [{"args": ["one"]}, {"args": ["two"]}, {"args": ["three"]}]},
        {"name": "after", "command": ["sh", "-c", STATE]},
    ]}));
    assert_eq!(job["status"], "succeeded", "{job}");
    let seen = |own: &str| {
        let mut names = ["a", "deep", "gone", "hard", "locked", "moved", "shut", "soft", own];
        names.sort_unstable();
        format!("a\nmore\n{}\nmine\n", names.join("\n"))
    };
    assert_eq!(outputs(tested(&job)), [seen("one"), seen("two"), seen("three")], "{job}");
    assert_eq!(job["steps"][1]["stdout"], job["steps"][3]["stdout"], "the base is as it was: {job}");
    assert_ne!(job["steps"][1]["stdout"]["bytes"], 0, "{job}");
}

fn know_nothing_of_each_other(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let look = "ls -A /tmp /dev/shm /workspace; ls /proc | grep -c '^[0-9]'; echo x > /tmp/x; echo x > /dev/shm/x; \
                echo x > /workspace/x; setsid sleep 100 & true";
    let job = daemon.run(&json!({"steps": [
        {"name": "build", "command": ["sh", "-c", "echo x > /tmp/build; echo x > /dev/shm/build"]},
        {"name": "test", "command": ["sh", "-c", look], "parallel": 2, "cases": [{}, {}, {}, {}]},
    ]}));
    assert_eq!(statuses(tested(&job)), ["succeeded"; 4], "{job}");
    for text in outputs(tested(&job)) {
        let count =
            text.strip_prefix("/dev/shm:\n\n/tmp:\n\n/workspace:\n").map(|rest| rest.trim().parse::<u32>());
        assert!(matches!(count, Some(Ok(1..=4))), "{text}");
    }
}

fn two_hundred_at_a_time(who: Who) {
    const CASES: u32 = 200;
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("81{}", daemon.pid());
    let leave = format!("echo $1 > own; cat own; rm base; setsid sleep {cookie} & true");
    let job = |parallel: u32, command: Value, cases: Vec<Value>| {
        json!({"files": [{"path": "base", "text": "base"}],
            "steps": [{"name": "test", "command": command, "parallel": parallel, "cases": cases}]})
    };
    let leaving: Vec<_> =
        (0..CASES).map(|i| json!({"args": [i.to_string()], "expect": {"stdout": i.to_string()}})).collect();
    let request = job(16, json!(["sh", "-c", leave, "sh"]), leaving);
    daemon.run(&request);
    let before = Snapshot::idle(&daemon, &cookie);
    let done = daemon.run(&request);
    assert_eq!(statuses(tested(&done)), vec!["succeeded"; CASES as usize], "{done}");
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    for parallel in [1, 2] {
        let request = job(parallel, json!(["true"]), vec![json!({}); CASES as usize]);
        let start = Instant::now();
        let done = daemon.run(&request);
        let each = start.elapsed() / CASES;
        assert_eq!(done["status"], "succeeded", "{done}");
        figure(format!(
            "{}: {CASES} cases of `true`, {parallel} at a time: {} us each",
            who.name(),
            each.as_micros()
        ));
    }
    same_again(&before, || Snapshot::of(&daemon, &cookie));
}

fn order(daemon: &Daemon, id: &str, what: &str) -> u16 {
    daemon.client().request("POST", &format!("/jobs/{id}/{what}"), &[], b"").status
}

fn cancelled_in_the_middle(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("82{}", daemon.pid());
    let before = Snapshot::idle(&daemon, &cookie);
    let script = "test $1 = 0 || exec sleep $1";
    let case = |seconds: &str| json!({"args": [seconds]});
    let id = daemon.submit(&json!({"steps": [
        {"name": "test", "command": ["sh", "-c", script, "sh"], "parallel": 1,
            "cases": [case("0"), case(&cookie), case("0")]},
        {"name": "never", "command": ["true"]},
    ]}));
    running(&cookie);
    assert_eq!(order(&daemon, &id, "cancel"), 202);
    let job = daemon.ended(&id);
    assert_eq!((&job["status"], &job["cause"]["case"]), (&json!("cancelled"), &json!("case-1")), "{job}");
    assert_eq!(statuses(tested(&job)), ["succeeded", "cancelled", "skipped"], "{job}");
    assert_eq!(job["steps"][1]["status"], "skipped", "{job}");
    same_again(&before, || Snapshot::of(&daemon, &cookie));
}

/// Four seconds of work, held back in the middle for longer than its wall time; an emulated machine needs some for each sleep.
fn paused_and_resumed(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("3.{}1", daemon.pid());
    let sleep = json!(["sh", "-c", format!("sleep {cookie}; for i in 1 2 3 4 5; do sleep 0.1; done")]);
    let limit = support::patient(Duration::from_secs(8)).min(Duration::from_secs(15));
    let held = |step: Value| {
        let id = daemon.submit(&json!({"steps": [step], "limits": {"wall_time_ms": limit.as_millis()}}));
        let running = running(&cookie);
        assert_eq!(order(&daemon, &id, "pause"), 202);
        std::thread::sleep(limit + Duration::from_millis(500));
        assert!(running.iter().all(|pid| support::alive(*pid)), "it stands still");
        assert_eq!(daemon.job(&id)["status"], "running");
        assert_eq!(order(&daemon, &id, "resume"), 202);
        let job = daemon.ended(&id);
        assert_eq!(job["status"], "succeeded", "{job}");
        let wall = job["steps"][0]["usage"]["wall_time_us"].as_u64().map(Duration::from_micros);
        assert!(wall.is_some_and(|wall| wall < limit), "the pause is not in it: {job}");
    };
    held(json!({"command": sleep}));
    held(json!({"name": "test", "command": sleep, "cases": [{}]}));
    // A job that stands still can be ended.
    let cookie = format!("83{}", daemon.pid());
    let id = daemon.submit(&json!({"steps": [{"command": ["sleep", cookie]}]}));
    running(&cookie);
    assert_eq!(order(&daemon, &id, "pause"), 202);
    assert_eq!(order(&daemon, &id, "cancel"), 202);
    assert_eq!(daemon.ended(&id)["status"], "cancelled");
}
