//! Policies that run away, lie or break off: each costs only the jobs it is asked about, and has its own word.

use std::time::Duration;

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases, figure, rss_kib};

use crate::kit::{hostile, policy};
use crate::stage::{decision, denied, entry, job, loaded, only, record, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        every_failure_has_its_word,
        texts_that_are_no_texts,
        before_the_first_program,
        after_the_fact,
        refused_calls_are_told,
        what_is_no_patch_denies,
        a_million_lines
    ]
}

const ROOMY: &str = "memory_bytes = 134217728\ntimeout_ms = 5000";

/// How a policy fails, and the code that its jobs are denied with.
const FAILURES: [(&str, &str, &str); 10] = [
    ("spin", "timeout_ms = 100", "timeout"),
    ("recurse", "", "trap"),
    ("panic", "", "trap"),
    ("grow", "", "memory"),
    ("grow_table", "", "memory"),
    ("length_lie", "", "bad-output"),
    ("huge_text", ROOMY, "bad-output"),
    ("huge_list", ROOMY, "bad-output"),
    ("wild", "", "bad-output"),
    ("variant", "", "bad-output"),
];

/// A daemon with all of them at `hook`, each for the jobs that name it.
fn with_all(who: Who, hook: &str) -> Daemon {
    let files: Vec<(String, Vec<u8>)> =
        FAILURES.iter().map(|(name, ..)| (format!("{name}.wasm"), hostile(name, &[hook]))).collect();
    let bundle: String = FAILURES
        .iter()
        .map(|(name, more, _)| entry(&name.replace('_', "-"), name, &format!("{}\n{more}", only(name))))
        .collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, wasm)| (name.as_str(), wasm.as_slice())).collect();
    Daemon::with_policies(who, &bundle, &files)
}

fn every_failure_has_its_word(who: Who) {
    for hook in ["mutation", "validation"] {
        let daemon = with_all(who, hook);
        let before = rss_kib(daemon.pid());
        for round in 0..3 {
            for (name, _, code) in FAILURES {
                let answer = send(&daemon, &job(name));
                let problem = denied(&answer, 500, "policy_failed");
                let one = decision(&problem, &name.replace('_', "-"));
                assert_eq!((&one["verdict"], &one["code"]), (&json!("error"), &json!(code)), "{name}: {one}");
                assert_eq!(one["hook"], hook, "{one}");
                assert!(one["reason"].as_str().is_some_and(|reason| reason.len() <= 1024), "{one}");
                // Nobody else is harmed.
                let other = send(&daemon, &job(&format!("none of them, {round}")));
                assert_eq!(other.json()["status"], "succeeded", "after {name}: {}", other.text());
            }
        }
        let after = rss_kib(daemon.pid());
        figure(format!(
            "{}: memory of the daemon, hostile policies at {hook}: {before} -> {after} KiB",
            who.name()
        ));
        assert!(after < before + 64 * 1024, "{before} -> {after} KiB");
        for (name, _, code) in FAILURES {
            let stats = loaded(&daemon, &name.replace('_', "-"))["stats"].clone();
            assert_eq!(stats["errors"], json!({code: 3}), "{name}: {stats}");
        }
        assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
    }
}

fn texts_that_are_no_texts(who: Who) {
    let answer = |field: u32| format!("(i32.add (local.get $answer) (i32.const {field}))");
    let put = |field: u32| format!("$put {} @\"\\ff\\fe\"", answer(field));
    let places = [
        ("code", "$deny @\"bad\" @\"bad\"", put(4)),
        ("message", "$deny @\"bad\" @\"bad\"", put(12)),
        ("field", "$deny @\"bad\" @\"bad\"", put(24)),
        ("warning", "$allow", format!("$text {} @\"\\ff\\fe\"", answer(4))),
        ("key", "$allow", format!("$pair {} @\"\\ff\\fe\" @\"v\"", answer(12))),
        ("value", "$allow", format!("$pair {} @\"k\" @\"\\ff\\fe\"", answer(12))),
        ("denials-warning", "$deny @\"bad\" @\"bad\"", format!("$text {} @\"\\ff\\fe\"", answer(36))),
    ];
    let mut files: Vec<(String, Vec<u8>)> = places
        .iter()
        .map(|(name, start, place)| {
            let parameters = [("START", *start), ("PLACE", place.as_str())];
            ((*name).to_owned(), policy("hostile/bad_text", &parameters, &["validation"]))
        })
        .collect();
    files.push(("log".into(), hostile("bad_text_out", &["validation"])));
    let long = "x".repeat(65);
    for (name, code) in [("empty-code", ""), ("loud-code", "No Way!"), ("long-code", long.as_str())] {
        let parameters = [("CODE", code), ("RETRYABLE", "1")];
        files.push((name.into(), policy("deny", &parameters, &["validation"])));
    }
    let bundle: String = files.iter().map(|(name, _)| entry(name, name, &only(name))).collect();
    let named: Vec<(String, &[u8])> =
        files.iter().map(|(name, wasm)| (format!("{name}.wasm"), wasm.as_slice())).collect();
    let named: Vec<(&str, &[u8])> = named.iter().map(|(name, wasm)| (name.as_str(), *wasm)).collect();
    let daemon = Daemon::with_policies(who, &bundle, &named);
    for (name, _) in &files {
        let problem = denied(&send(&daemon, &job(name)), 500, "policy_failed");
        assert_eq!(decision(&problem, name)["code"], "bad-output", "{name}: {problem}");
    }
    assert_eq!(send(&daemon, &job("none")).json()["status"], "succeeded");
}

fn before_the_first_program(who: Who) {
    let daemon = with_all(who, "pre-start");
    for (name, _, code) in FAILURES {
        let mut request = job(name);
        request["command"] = json!(["sh", "-c", "echo ran >seen"]);
        request["artifacts"] = json!(["seen"]);
        let job = daemon.run(&request);
        assert_eq!(job["status"], "denied", "{name}: {job}");
        let cause = &job["cause"];
        assert_eq!((&cause["kind"], &cause["code"]), (&json!("policy"), &json!(code)), "{name}: {job}");
        assert_eq!(job["artifacts"], json!([]), "{name}: {job}");
        assert_eq!(decision(&job, &name.replace('_', "-"))["hook"], "pre_start", "{job}");
    }
    assert_eq!(send(&daemon, &job("none")).json()["status"], "succeeded");
}

/// What goes wrong when all is over changes nothing but the figures.
fn after_the_fact(who: Who) {
    for hook in ["on-started", "on-exited"] {
        let daemon = with_all(who, hook);
        for (name, _, code) in FAILURES {
            assert_eq!(daemon.run(&job(name))["status"], "succeeded", "{name} at {hook}");
            support::eventually(Duration::from_secs(10), "the failure is counted", || {
                let stats = loaded(&daemon, &name.replace('_', "-"))["stats"].clone();
                (stats["errors"] == json!({code: 1})).then_some(())
            });
        }
    }
}

fn notes(decision: &Value) -> &Value {
    &decision["annotations"]
}

fn refused_calls_are_told(who: Who) {
    let bundle = entry("patch", "bad_patch", &format!("grants = [\"patch\"]\n{}", only("patch")))
        + &entry(
            "not-now",
            "not_now",
            &format!("grants = [\"patch\", \"kv\", \"metrics\"]\n{}", only("not-now")),
        );
    let files = [
        ("bad_patch.wasm", hostile("bad_patch", &["mutation"])),
        ("not_now.wasm", hostile("not_now", &["validation"])),
    ];
    let daemon = Daemon::with_policies(who, &bundle, &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    let patched = daemon.run(&job("patch"));
    let one = decision(&patched, "patch");
    // The numbers of `patch-error`: 2 is invalid-value, 3 no-such-field.
    let told =
        json!({"1 a test": "2", "2 no number": "2", "3 command": "3", "4 no step": "3", "5 a label": "ok"});
    assert_eq!(notes(one), &told, "{one}");
    assert_eq!(one["patch"], json!([{"op": "add", "path": "/labels/a~1b", "value": "c"}]), "{one}");
    let refused = one["refused"].as_array().expect("a list");
    assert_eq!(refused.len(), 4, "{one}");
    assert_eq!(patched["labels"], json!({"a/b": "c", "case": "patch"}), "{patched}");
    assert_eq!(patched["status"], "succeeded", "{patched}");
    // 4 is not-now, 0 read-only; there is no container and no outcome yet.
    let asked = daemon.run(&job("not-now"));
    assert_eq!(notes(decision(&asked, "not-now")), &json!({"patch": "4", "kv": "0"}), "{asked}");
    assert_eq!(asked["labels"], json!({"case": "not-now"}), "{asked}");
    // It declares no counter, so it has none.
    let stats = loaded(&daemon, "not-now")["stats"].clone();
    assert_eq!((&stats["dropped_metrics"], &stats["metrics"]), (&json!(1), &json!({})), "{stats}");
}

/// Though the policy allows: it has not done to the job what it meant to.
fn what_is_no_patch_denies(who: Who) {
    let bundle = entry("patch", "no_patch", &format!("grants = [\"patch\"]\n{}", only("patch")));
    let wasm = hostile("no_patch", &["mutation"]);
    let daemon = Daemon::with_policies(who, &bundle, &[("no_patch.wasm", &wasm)]);
    for _ in 0..2 {
        let problem = denied(&send(&daemon, &job("patch")), 500, "policy_failed");
        let one = decision(&problem, "patch");
        assert_eq!((&one["verdict"], &one["code"]), (&json!("error"), &json!("bad-output")), "{one}");
        assert_eq!(send(&daemon, &job("another")).json()["status"], "succeeded");
    }
}

fn a_million_lines(who: Who) {
    let bundle = entry("chatter", "chatter", &format!("timeout_ms = 5000\n{}", only("chatter")))
        + &entry("hoard", "hoard", &format!("grants = [\"kv\"]\n{}", only("hoard")));
    let files =
        [("chatter.wasm", hostile("chatter", &["validation"])), ("hoard.wasm", hostile("hoard", &[]))];
    let daemon = Daemon::with_policies(who, &bundle, &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    let talked = daemon.run(&job("chatter"));
    assert_eq!(talked["status"], "succeeded", "{talked}");
    let took = &decision(&talked, "chatter")["duration_us"];
    figure(format!("{}: a million lines, 64 of them kept: {took} us", who.name()));
    let stats = loaded(&daemon, "chatter")["stats"].clone();
    assert_eq!(stats["dropped_log_lines"], 1_000_000 - 64, "{stats}");
    let log = daemon.log();
    let kept = log.lines().filter(|line| line.contains("still here")).count();
    assert_eq!(kept, 64, "{log}");
    assert!(!log.lines().any(|line| line.starts_with("forged line")), "{log}");
    // A memory that takes no more than it has room for: 1 is quota, 2 too-large.
    let id = daemon.run(&job("hoard"))["id"].as_str().expect("an id").to_owned();
    let hoarded = record(&daemon, &id, "the hoarder's notes", |job| !job["annotations"].is_null());
    let told = json!({"no key": "2", "long key": "2", "long value": "2", "fits": "ok", "last": "1"});
    assert_eq!(hoarded["annotations"], told, "{hoarded}");
}
