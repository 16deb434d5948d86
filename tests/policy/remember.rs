//! Answers that are given again without a call: only where the policy would have said the same.

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases};

use crate::kit::{hostile, policy};
use crate::stage::{builtin, decision, decisions, denied, entry, job, loaded, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        the_same_again_is_not_asked,
        what_it_changes_is_the_jobs_own,
        what_a_policy_looks_at_is_looked_at,
        what_happened_since_counts,
        denials_are_remembered_and_failures_are_not
    ]
}

fn remembered(decision: &Value) -> bool {
    decision["remembered"] == json!(true)
}

/// Three jobs, of which the second differs only in what the policy does not look at.
fn the_same_again_is_not_asked(who: Who) {
    let bundle =
        builtin("limits", "resource-limits", "grants = [\"patch\"]\nsettings = { max = { pids = 64 } }");
    let daemon = Daemon::with_policies(who, &bundle, &[]);
    let run = |argument: &str, pids: u64| {
        daemon
            .run(&json!({"command": ["true", argument], "limits": {"pids": pids}, "labels": {"n": argument}}))
    };
    let (first, same, other) = (run("1", 100), run("2", 100), run("3", 10));
    let all = |job: &Value, of: fn(&Value) -> Value| -> Vec<Value> {
        decisions(job, "limits").into_iter().map(of).collect()
    };
    let said = |decision: &Value| {
        json!([decision["hook"], decision["verdict"], decision["warnings"], decision["patch"]])
    };
    let patch = json!([{"op": "replace", "path": "/steps/0/limits/pids", "value": 64}]);
    assert_eq!(decisions(&first, "limits")[0]["patch"], patch, "{first}");
    assert_eq!(all(&first, said), all(&same, said), "{first} {same}");
    assert_eq!(first["warnings"], same["warnings"], "{first} {same}");
    let flags = |job: &Value| all(job, |decision| json!(remembered(decision)));
    assert_eq!(flags(&first), [json!(false), json!(false)], "{first}");
    assert_eq!(flags(&same), [json!(true), json!(true)], "{same}");
    // What it is told is another figure, and that no answer was given to before.
    assert_eq!(decisions(&other, "limits")[0]["verdict"], "allow", "{other}");
    assert!(flags(&other).contains(&json!(false)), "{other}");
    let stats = loaded(&daemon, "limits")["stats"].clone();
    assert!(stats["remembered"].as_u64() >= Some(2), "{stats}");
    assert_eq!(stats["mutated"], 2, "remembered ones count: {stats}");
}

/// It looks at nothing, and so says the same of each job; what that changes is another matter.
fn what_it_changes_is_the_jobs_own(who: Who) {
    let wasm = policy("label", &[("KEY", "team"), ("VALUE", "ci")], &["mutation"]);
    let bundle = entry("label", "label", "grants = [\"patch\"]");
    let daemon = Daemon::with_policies(who, &bundle, &[("label.wasm", &wasm)]);
    let said = |labels: Value| {
        let job = daemon.run(&json!({"command": ["true"], "labels": labels}));
        let decision = decision(&job, "label");
        json!([job["labels"]["team"], decision["verdict"], decision["patch"][0]["op"], remembered(decision)])
    };
    let (none, other, same) = (json!({}), json!({"team": "x"}), json!({"team": "ci"}));
    assert_eq!(said(none.clone()), json!(["ci", "mutate", "add", false]));
    for _ in 0..3 {
        assert_eq!(said(none.clone()), json!(["ci", "mutate", "add", true]));
        assert_eq!(said(other.clone()), json!(["ci", "mutate", "replace", true]));
        assert_eq!(said(same.clone()), json!(["ci", "allow", null, true]));
    }
}

/// The host looks for what tells a secret, in words and files that differ. A file that has it is read each time: contents are
/// not kept to be compared.
fn what_a_policy_looks_at_is_looked_at(who: Who) {
    let daemon =
        Daemon::with_policies(who, &builtin("secrets", "secret-scan", "grants = [\"job-files\"]"), &[]);
    // In two pieces, so that no scanner of repositories takes this file for the secret.
    let key = format!("-----BEGIN OPENSSH {} KEY-----\n", "PRIVATE");
    let with =
        |word: &str, text: &str| json!({"command": ["true", word], "files": [{"path": "a", "text": text}]});
    for (text, expected) in [("x", false), ("y", true)] {
        let harmless = text.repeat(key.len());
        let ran = daemon.run(&with(text, &harmless));
        assert_eq!(remembered(decision(&ran, "secrets")), expected, "{ran}");
        let problem = denied(&send(&daemon, &with(text, &key)), 403, "policy_denied");
        assert_eq!(problem["errors"][0]["pointer"], "/files/0", "{problem}");
        assert!(!remembered(decision(&problem, "secrets")), "{problem}");
        let problem = denied(&send(&daemon, &with(&key, &harmless)), 403, "policy_denied");
        assert_eq!(problem["errors"][0]["pointer"], "/steps/0/command/1", "{problem}");
    }
    // Nobody has looked through as much.
    let large = daemon.run(&with("true", &" ".repeat(70_000)));
    assert!(!remembered(decision(&large, "secrets")), "{large}");
}

/// It asks for the time, and its own memory.
fn what_happened_since_counts(who: Who) {
    let settings = "grants = [\"facts\", \"kv\"]\nsettings = { default = { max_starts_per_minute = 2 } }";
    let daemon = Daemon::with_policies(who, &builtin("quota", "tenant-quota", settings), &[]);
    for _ in 0..2 {
        let before = calls(&daemon);
        let ran = daemon.run(&json!({"command": ["true"]}));
        assert!(!remembered(decision(&ran, "quota")), "{ran}");
        support::eventually(std::time::Duration::from_secs(10), "the start is counted", || {
            (calls(&daemon) >= before + 2).then_some(())
        });
    }
    let problem = denied(&send(&daemon, &json!({"command": ["true"]})), 503, "policy_denied");
    assert_eq!(decision(&problem, "quota")["code"], "quota-starts", "{problem}");
}

/// Of both its hooks.
fn calls(daemon: &Daemon) -> u64 {
    loaded(daemon, "quota")["stats"]["calls"].as_u64().expect("a number")
}

fn denials_are_remembered_and_failures_are_not(who: Who) {
    let only = |case: &str| format!("match = {{ labels = {{ case = {case:?} }} }}");
    let bundle = entry("no", "no", &only("no")) + &entry("panic", "panic", &only("panic"));
    let files = [
        ("no.wasm", policy("deny", &[("CODE", "no"), ("RETRYABLE", "0")], &["validation"])),
        ("panic.wasm", hostile("panic", &["validation"])),
    ];
    let daemon = Daemon::with_policies(who, &bundle, &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    let problems = [(); 2].map(|()| denied(&send(&daemon, &job("no")), 403, "policy_denied"));
    assert_eq!(problems.each_ref().map(|problem| remembered(decision(problem, "no"))), [false, true]);
    let [first, second] = problems.map(|mut problem| {
        for one in problem["policy"].as_array_mut().expect("decisions") {
            let one = one.as_object_mut().expect("a decision");
            one.retain(|key, _| !["remembered", "duration_us"].contains(&key.as_str()));
        }
        problem["instance"] = Value::Null;
        problem
    });
    assert_eq!(first["policy"], second["policy"]);
    assert_eq!(first["detail"], second["detail"]);
    for _ in 0..2 {
        let problem = denied(&send(&daemon, &job("panic")), 500, "policy_failed");
        assert!(!remembered(decision(&problem, "panic")), "{problem}");
    }
    let stats = loaded(&daemon, "panic")["stats"].clone();
    assert_eq!((&stats["errors"], &stats["remembered"]), (&json!({"trap": 2}), &json!(0)), "{stats}");
}
