//! `enforce`, `warn`, `audit`, `off`: the same policies, and who is told what.

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases};

use crate::kit::{hostile, policy};
use crate::stage::{asked, decision, decisions, denied, entry, job, loaded, only, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        audit_changes_nothing,
        warn_says_so,
        off_is_not_asked,
        shadows_see_shadows,
        without_places_only_who_enforces_denies
    ]
}

/// A mutator, a validator that says no, one that spins, and a veto, all in one mode.
fn all_in(who: Who, mode: &str) -> Daemon {
    let more = |more: &str| format!("mode = {mode:?}\n{more}");
    let bundle = entry("label", "label", &more("grants = [\"patch\"]"))
        + &entry("deny", "deny", &more(""))
        + &entry("spin", "spin", &more("timeout_ms = 20"))
        + &entry("veto", "veto", &more(""));
    let files = [
        ("label.wasm", policy("label", &[("KEY", "a"), ("VALUE", "b")], &["mutation"])),
        ("deny.wasm", policy("deny", &[("CODE", "no"), ("RETRYABLE", "0")], &["validation"])),
        ("spin.wasm", hostile("spin", &["validation"])),
        ("veto.wasm", policy("veto", &[], &["pre-start"])),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, wasm)| (*name, wasm.as_slice())).collect();
    Daemon::with_policies(who, &bundle, &files)
}

/// The verdicts and codes that they would have had, in the order of asking, shadows aside.
fn would_be(job: &Value, mode: &str) {
    let all = job["policy"].as_array().expect("decisions").iter().filter(|one| one["shadow"].is_null());
    let told: Vec<_> =
        all.map(|one| json!([one["policy"], one["mode"], one["verdict"], one["code"]])).collect();
    let wanted = [
        json!(["label", mode, "mutate", null]),
        json!(["deny", mode, "deny", "no"]),
        json!(["spin", mode, "error", "timeout"]),
        json!(["veto", mode, "deny", "vetoed"]),
    ];
    assert_eq!(told, wanted, "{job}");
    assert_eq!(
        decision(job, "label")["patch"],
        json!([{"op": "add", "path": "/labels/a", "value": "b"}]),
        "{job}"
    );
}

fn audit_changes_nothing(who: Who) {
    let daemon = all_in(who, "audit");
    let record = daemon.run(&job("x"));
    assert_eq!(
        (&record["status"], &record["labels"]),
        (&json!("succeeded"), &json!({"case": "x"})),
        "{record}"
    );
    assert_eq!(record["warnings"], Value::Null, "{record}");
    would_be(&record, "audit");
    let stats = loaded(&daemon, "deny")["stats"].clone();
    assert!(stats["denied"].as_u64() > Some(0), "{stats}");
}

fn warn_says_so(who: Who) {
    let daemon = all_in(who, "warn");
    let record = daemon.run(&job("x"));
    assert_eq!(
        (&record["status"], &record["labels"]),
        (&json!("succeeded"), &json!({"case": "x"})),
        "{record}"
    );
    would_be(&record, "warn");
    let warnings = record["warnings"].to_string();
    for text in [
        "label (not enforced): would change /labels/a",
        "deny: ask for less",
        "deny (not enforced): no says no",
        "spin (not enforced): it had no answer after 20 ms",
        "veto (not enforced): not in this container",
    ] {
        assert!(warnings.contains(text), "no {text}: {warnings}");
    }
}

fn off_is_not_asked(who: Who) {
    let daemon = all_in(who, "off");
    let record = daemon.run(&job("x"));
    assert_eq!((&record["status"], &record["policy"]), (&json!("succeeded"), &json!([])), "{record}");
    assert_eq!(loaded(&daemon, "spin")["stats"]["calls"], 0);
    assert_eq!(loaded(&daemon, "spin")["mode"], "off");
}

/// What would happen if it were all enforced: the validator is asked about the job that there is, and about the other one.
fn shadows_see_shadows(who: Who) {
    let bundle = entry("label", "label", "mode = \"audit\"\ngrants = [\"patch\"]")
        + &entry("deny", "deny", "mode = \"audit\"")
        + &entry("real", "deny", "match = { labels = { a = \"b\" } }");
    let files = [
        ("label.wasm", policy("label", &[("KEY", "a"), ("VALUE", "b")], &["mutation"])),
        ("deny.wasm", policy("deny", &[("CODE", "no"), ("RETRYABLE", "0")], &["validation"])),
    ];
    let daemon = Daemon::with_policies(who, &bundle, &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    let record = daemon.run(&job("x"));
    assert_eq!(record["status"], "succeeded", "{record}");
    assert_eq!(asked(&record), ["label", "deny", "deny"], "`real` is asked by what was sent: {record}");
    let both = decisions(&record, "deny");
    assert!(both[0]["shadow"].is_null(), "{record}");
    let shadow = &both[1];
    assert_eq!((&shadow["shadow"], &shadow["verdict"]), (&json!(true), &json!("deny")), "{record}");
}

/// More jobs at once than there are places to decide in, each held for longer than anybody waits for one.
fn without_places_only_who_enforces_denies(who: Who) {
    for mode in ["audit", "enforce"] {
        let more = format!("mode = {mode:?}\ntimeout_ms = 4000\n{}", only("spin"));
        let files = [("spin.wasm", hostile("spin", &["validation"]))];
        let daemon = Daemon::with_policies(who, &entry("spin", "spin", &more), &[(files[0].0, &files[0].1)]);
        let jobs = 2 * std::thread::available_parallelism().map_or(2, usize::from) + 2;
        let answers: Vec<_> = std::thread::scope(|scope| {
            let sent: Vec<_> = (0..jobs).map(|_| scope.spawn(|| send(&daemon, &job("spin")))).collect();
            sent.into_iter().map(|one| one.join().expect("a client")).collect()
        });
        let code = |answer: &Value| decision(answer, "spin")["code"].clone();
        let busy: Vec<_> = answers.iter().filter(|answer| code(&answer.json()) == "pool-exhausted").collect();
        assert!(!busy.is_empty(), "all of {jobs} found a place");
        for answer in busy {
            if mode == "enforce" {
                denied(answer, 503, "policy_busy");
            } else {
                assert_eq!(answer.json()["status"], "succeeded", "{}", answer.text());
            }
        }
        // A job that nobody is asked about needs no place.
        assert_eq!(send(&daemon, &job("another")).json()["status"], "succeeded");
    }
}
