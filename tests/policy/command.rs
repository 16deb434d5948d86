//! `stockade run --policies`: the same answers as from the daemon, on a terminal.

use serde_json::json;
use support::{Case, Ran, Temp, Who, cases, run};

use crate::kit::{hostile, policy};
use crate::stage::{asked, decision, entry};

pub(crate) fn cases() -> Vec<Case> {
    cases![a_no_is_125, json_has_the_decisions, dry_run_shows_the_job, a_veto, refused_bundles, the_grammar]
}

/// A bundle for each case: `run` gives a job no label to tell them apart by.
fn folder() -> Temp {
    let bundles = [
        ("none", String::new()),
        ("no", entry("deny", "deny", "")),
        ("spin", entry("spin", "spin", "timeout_ms = 100")),
        ("small", entry("small", "small", "grants = [\"patch\"]")),
        ("wary", entry("wary", "wary", "")),
        ("veto", entry("veto", "veto", "")),
        ("seen", entry("seen", "seen", "")),
        ("bad", entry("bad", "bad", "")),
    ];
    let folder = Temp::new();
    for (name, bundle) in bundles {
        folder.file(&format!("{name}.toml"), bundle);
    }
    folder.file("deny.wasm", policy("deny", &[("CODE", "no-way"), ("RETRYABLE", "0")], &["validation"]));
    folder.file("spin.wasm", hostile("spin", &["validation"]));
    folder.file("small.wasm", policy("memory", &[("BYTES", "33554432")], &["mutation"]));
    folder.file("wary.wasm", policy("allow", &[], &["validation"]));
    folder.file("veto.wasm", policy("veto", &[], &["pre-start"]));
    folder.file("seen.wasm", policy("observer", &[], &[]));
    folder
}

fn ask(who: Who, folder: &Temp, case: &str, more: &[&str]) -> Ran {
    let bundle = folder.path().join(format!("{case}.toml"));
    let bundle = bundle.to_str().expect("a path of text");
    run(who, &[&["run", "--policies", bundle], more, &["--", "echo", "ran"]].concat())
}

fn a_no_is_125(who: Who) {
    let folder = folder();
    let none = ask(who, &folder, "none", &[]);
    assert_eq!((none.code, none.text().as_str()), (125, ""), "a bundle that lost its policies: {none:?}");
    assert!(none.stderr.contains("no policy"), "{none:?}");
    let no = ask(who, &folder, "no", &[]);
    assert_eq!((no.code, no.text().as_str()), (125, ""), "{no:?}");
    for word in ["deny", "no-way", "no-way says no", "/steps/0/limits/memory_bytes", "ask for less"] {
        assert!(no.stderr.contains(word), "no {word}: {no:?}");
    }
    let spun = ask(who, &folder, "spin", &[]);
    assert_eq!((spun.code, spun.text().as_str()), (125, ""), "{spun:?}");
    assert!(spun.stderr.contains("timeout") && spun.stderr.contains("spin"), "{spun:?}");
    let warned = ask(who, &folder, "wary", &[]);
    assert_eq!((warned.code, warned.text().as_str()), (0, "ran\n"), "{warned:?}");
    assert!(warned.stderr.contains("wary: looks odd"), "{warned:?}");
}

fn json_has_the_decisions(who: Who) {
    let folder = folder();
    let no = ask(who, &folder, "no", &["--json"]);
    assert_eq!(no.code, 125, "{no:?}");
    let job = no.json();
    assert_eq!((&job["status"], &job["cause"]["code"]), (&json!("denied"), &json!("no-way")), "{job}");
    assert_eq!(decision(&job, "deny")["verdict"], "deny", "{job}");
    let small = ask(who, &folder, "small", &["--json", "--memory", "64m"]).json();
    assert_eq!(small["status"], "succeeded", "{small}");
    let path = "/steps/0/limits/memory_bytes";
    let patch = json!([{"op": "replace", "path": path, "value": 33_554_432}]);
    assert_eq!(decision(&small, "small")["patch"], patch, "{small}");
    let seen = ask(who, &folder, "seen", &["--json"]).json();
    assert_eq!(seen["labels"], json!({"started": "yes", "team": "forged", "ended": "yes"}), "{seen}");
    assert_eq!(seen["annotations"], json!({"note": "from exited", "status": "succeeded"}), "{seen}");
}

fn dry_run_shows_the_job(who: Who) {
    let folder = folder();
    let small = ask(who, &folder, "small", &["--dry-run", "--memory", "64m"]);
    assert_eq!(small.code, 0, "{small:?}");
    let plan = small.json();
    assert!(plan.to_string().contains("33554432") && !plan.to_string().contains("67108864"), "{plan}");
    assert!(small.stderr.contains("/steps/0/limits/memory_bytes"), "{small:?}");
    let no = ask(who, &folder, "no", &["--dry-run"]);
    assert_eq!((no.code, no.text().as_str()), (125, ""), "{no:?}");
}

fn a_veto(who: Who) {
    let folder = folder();
    let veto = ask(who, &folder, "veto", &[]);
    assert_eq!((veto.code, veto.text().as_str()), (125, ""), "{veto:?}");
    assert!(veto.stderr.contains("not in this container"), "{veto:?}");
    let job = ask(who, &folder, "veto", &["--json"]).json();
    assert_eq!((&job["status"], asked(&job)), (&json!("denied"), vec!["veto"]), "{job}");
}

fn refused_bundles(who: Who) {
    let ran = ask(who, &folder(), "bad", &[]);
    assert_eq!((ran.code, ran.text().as_str()), (125, ""), "{ran:?}");
    assert!(ran.stderr.contains("bad.wasm") && ran.stderr.contains("hint: "), "{ran:?}");
    let nowhere = run(who, &["run", "--policies", "/nowhere.toml", "--", "true"]);
    assert_eq!(nowhere.code, 125, "{nowhere:?}");
    assert!(nowhere.stderr.contains("/nowhere.toml") && nowhere.stderr.contains("hint: "), "{nowhere:?}");
}

fn the_grammar(who: Who) {
    let printed = run(who, &["policy", "schema"]);
    assert_eq!(
        (printed.code, printed.text().as_str()),
        (0, include_str!("../../policies/bundle.schema.json"))
    );
}
