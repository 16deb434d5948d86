//! From the container that stands to the record after the end: vetoes, additions, and memories.

use std::time::Duration;

use serde_json::{Value, json};
use support::{BUNDLE, Case, Daemon, Who, cases, eventually, figure};

use crate::kit::{hostile, policy};
use crate::stage::{asked, decision, denied, entry, job, loaded, only, record, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_veto_runs_nothing,
        who_is_not_enforced_adds_nothing,
        additions_reach_the_record,
        memory_outlives_a_reload,
        too_many_events_are_dropped,
        connections_are_not_asked_about,
        a_job_keeps_its_policies
    ]
}

fn a_veto_runs_nothing(who: Who) {
    let bundle = entry("veto", "veto", &only("no")) + &entry("seen", "seen", "");
    let files =
        [("veto.wasm", policy("veto", &[], &["pre-start"])), ("seen.wasm", policy("observer", &[], &[]))];
    let daemon = Daemon::with_policies(who, &bundle, &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    let mut request = job("no");
    request["command"] = json!(["sh", "-c", "echo ran; echo ran >seen"]);
    request["artifacts"] = json!(["seen"]);
    let vetoed = daemon.run(&request);
    assert_eq!(vetoed["status"], "denied", "{vetoed}");
    let cause = &vetoed["cause"];
    assert_eq!(
        (&cause["kind"], &cause["policy"], &cause["code"], &cause["detail"]),
        (&json!("policy"), &json!("veto"), &json!("vetoed"), &json!("not in this container")),
        "{vetoed}"
    );
    assert_eq!(vetoed["artifacts"], json!([]), "{vetoed}");
    for step in vetoed["steps"].as_array().expect("a list") {
        assert_eq!((&step["status"], &step["stdout"]["text"]), (&json!("skipped"), &json!("")), "{vetoed}");
    }
    let one = decision(&vetoed, "veto");
    assert_eq!((&one["hook"], &one["verdict"]), (&json!("pre_start"), &json!("deny")), "{one}");
    // It was admitted, so whoever follows jobs hears of its end; it never started.
    let id = vetoed["id"].as_str().expect("an id");
    let followed = record(&daemon, id, "the end is noted", |job| !job["annotations"].is_null());
    assert_eq!(followed["annotations"]["status"], "denied", "{followed}");
    assert_eq!(followed["labels"]["started"], json!(null), "{followed}");
    request["labels"] = json!({"case": "yes"});
    let free = daemon.run(&request);
    assert_eq!(
        (&free["status"], &free["steps"][0]["stdout"]["text"]),
        (&json!("succeeded"), &json!("ran\n")),
        "{free}"
    );
}

fn who_is_not_enforced_adds_nothing(who: Who) {
    let more = "mode = \"audit\"\n";
    let seen = policy("observer", &[], &[]);
    let daemon = Daemon::with_policies(who, &entry("seen", "seen", more), &[("seen.wasm", &seen)]);
    let id = daemon.run(&job("x"))["id"].as_str().expect("an id").to_owned();
    eventually(Duration::from_secs(10), "both hooks were called", || {
        (loaded(&daemon, "seen")["stats"]["allowed"].as_u64() >= Some(2)).then_some(())
    });
    let ended = daemon.job(&id);
    assert_eq!((&ended["labels"], &ended["annotations"]), (&json!({"case": "x"}), &Value::Null), "{ended}");
}

fn additions_reach_the_record(who: Who) {
    let daemon = Daemon::with_policies(
        who,
        &entry("seen", "seen", ""),
        &[("seen.wasm", &policy("observer", &[], &[]))],
    );
    let request = json!({"command": ["sh", "-c", "exit 3"], "labels": {"team": "red"}});
    let id = daemon.run(&request)["id"].as_str().expect("an id").to_owned();
    let ended = record(&daemon, &id, "both hooks' additions", |job| job["labels"]["ended"] == "yes");
    assert_eq!(ended["labels"], json!({"team": "red", "started": "yes", "ended": "yes"}), "{ended}");
    assert_eq!(ended["annotations"], json!({"note": "from exited", "status": "failed"}), "{ended}");
    // While it runs, what the start brought is there.
    let running = daemon.submit(&json!({"command": ["sleep", "30"]}));
    let job = record(&daemon, &running, "the start is noted", |job| job["labels"]["started"] == "yes");
    assert_eq!(
        (&job["status"], &job["annotations"]),
        (&json!("running"), &json!({"note": "from started"})),
        "{job}"
    );
    daemon.client().post(&format!("/jobs/{running}/cancel"), &json!({}));
    let job = record(&daemon, &running, "the end is noted", |job| job["labels"]["ended"] == "yes");
    assert_eq!(job["annotations"]["status"], "cancelled", "{job}");
}

fn memory_outlives_a_reload(who: Who) {
    let files = [("starts.wasm", policy("starts", &[("MOST", "2")], &[]))];
    let bundle = entry("starts", "starts", "grants = [\"kv\"]");
    let daemon = Daemon::with_policies(who, &bundle, &[(files[0].0, &files[0].1)]);
    for number in 1..=2 {
        assert_eq!(daemon.run(&job("x"))["status"], "succeeded");
        support::eventually(std::time::Duration::from_secs(10), "the start is counted", || {
            (loaded(&daemon, "starts")["stats"]["calls"] == 2 * number).then_some(())
        });
    }
    denied(&send(&daemon, &job("x")), 503, "policy_denied");
    assert_eq!(daemon.client().post("/policies/reload", &json!({})).status, 200);
    let problem = denied(&send(&daemon, &job("x")), 503, "policy_denied");
    assert_eq!(decision(&problem, "starts")["generation"], 2, "{problem}");
    // Another name is another memory.
    daemon.rewrite(BUNDLE, entry("anew", "starts", "grants = [\"kv\"]"));
    assert_eq!(daemon.client().post("/policies/reload", &json!({})).status, 200);
    assert_eq!(daemon.run(&job("x"))["status"], "succeeded");
}

/// One who spins at every start falls behind; jobs do not wait for it.
fn too_many_events_are_dropped(who: Who) {
    let bundle = entry("slow", "slow", "timeout_ms = 5000");
    let daemon = Daemon::with_policies(who, &bundle, &[("slow.wasm", &hostile("spin", &["on-started"]))]);
    let mut request = job("x");
    // What waits in line keeps the job's files: 32 MiB of them, eight jobs' worth.
    let file = "x".repeat(4 << 20);
    request["files"] = json!([{"path": "a", "text": file}]);
    let start = std::time::Instant::now();
    for _ in 0..16 {
        assert_eq!(send(&daemon, &request).json()["status"], "succeeded");
    }
    let took = start.elapsed();
    let dropped = loaded(&daemon, "slow")["stats"]["dropped_events"].as_u64().expect("a number");
    figure(format!(
        "{}: 16 jobs beside a hook that spins: {} ms, {dropped} events dropped",
        who.name(),
        took.as_millis()
    ));
    assert!((1..=8).contains(&dropped), "{dropped}");
    assert!(took < std::time::Duration::from_secs(30), "{took:?}");
}

fn connections_are_not_asked_about(who: Who) {
    let wasm = policy("guard", &[], &[]);
    let daemon = Daemon::with_policies(who, &entry("guard", "guard", ""), &[("guard.wasm", &wasm)]);
    assert_eq!(loaded(&daemon, "guard")["hooks"], json!(["connection"]));
    let ran = daemon.run(&job("x"));
    assert_eq!(
        (&ran["status"], &ran["policy"]),
        (&json!("succeeded"), &json!([])),
        "no network, no question: {ran}"
    );
}

/// The set that admitted a job is asked about it until its end, whatever is loaded meanwhile.
fn a_job_keeps_its_policies(who: Who) {
    let files =
        [("seen.wasm", policy("observer", &[], &[])), ("yes.wasm", policy("allow", &[], &["validation"]))];
    let bundle = entry("seen", "seen", "") + &entry("yes", "yes", "");
    let daemon = Daemon::with_policies(who, &bundle, &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    let running = daemon.submit(&json!({"command": ["sleep", "30"]}));
    record(&daemon, &running, "the start is noted", |job| job["labels"]["started"] == "yes");
    daemon.rewrite(BUNDLE, entry("other", "yes", ""));
    assert_eq!(daemon.client().post("/policies/reload", &json!({})).status, 200);
    daemon.client().post(&format!("/jobs/{running}/cancel"), &json!({}));
    let ended = record(&daemon, &running, "the end is noted", |job| job["labels"]["ended"] == "yes");
    assert_eq!(decision(&ended, "yes")["generation"], 1, "{ended}");
    assert_eq!(asked(&daemon.run(&job("x"))), ["other"]);
}
