//! A policy that panics where no job is asked about: over its settings, and over a connection, which only `policy test` can
//! ask for as long as no job has a network.

use serde_json::json;
use support::{BUNDLE, Case, Daemon, Temp, Who, cases, policy_folder, run};

use crate::kit::{hostile, policy};
use crate::stage::{denied, entry, generation, job, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![over_settings, over_settings_at_reload, over_a_connection]
}

const WORDS: [&str; 2] = ["checking its settings failed (trap)", "must answer to any JSON"];

/// Also without any settings in the bundle: they are checked all the same.
fn bundles() -> [String; 2] {
    ["", "settings = { most = 1 }"]
        .map(|settings| entry("good", "allow", "") + &entry("panics", "panics", settings))
}

fn files() -> [(&'static str, Vec<u8>); 2] {
    [
        ("allow.wasm", policy("allow", &[], &["validation"])),
        ("panics.wasm", hostile("panic", &["configuration", "validation"])),
    ]
}

fn over_settings(who: Who) {
    let [allow, panics] = &files();
    let folder = policy_folder("", "", &[(allow.0, &allow.1), (panics.0, &panics.1)]);
    for bundle in bundles() {
        let bundle = folder.file(BUNDLE, bundle);
        let bundle = bundle.to_str().expect("a path of text");
        let ran = run(who, &["run", "--policies", bundle, "--", "echo", "ran"]);
        assert_eq!((ran.code, ran.text().as_str()), (125, ""), "{ran:?}");
        for word in WORDS.into_iter().chain([":6: policy `panics`: ", "hint: "]) {
            assert!(ran.stderr.contains(word), "no {word}: {ran:?}");
        }
    }
}

fn over_settings_at_reload(who: Who) {
    let [allow, panics] = &files();
    let own = entry("good", "allow", "");
    let daemon = Daemon::with_policies(who, &own, &[(allow.0, &allow.1), (panics.0, &panics.1)]);
    let before = generation(&daemon);
    for bundle in bundles() {
        daemon.rewrite(BUNDLE, bundle);
        let problem = denied(&daemon.client().post("/policies/reload", &json!({})), 422, "policies_refused");
        assert_eq!(
            (&problem["policy"], &problem["code"], &problem["line"]),
            (&json!("panics"), &json!("settings-refused"), &json!(6)),
            "{problem}"
        );
        let told = format!("{} {}", problem["detail"], problem["remedy"]);
        assert!(WORDS.iter().all(|word| told.contains(word)), "{problem}");
    }
    assert_eq!(generation(&daemon), before);
    assert_eq!(send(&daemon, &job("x")).json()["status"], "succeeded");
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}

/// The same answer as at any other hook; a case that expects it to pass fails and is told why.
fn over_a_connection(who: Who) {
    let project = Temp::new();
    let about = "name = \"panics\"\nversion = \"0.1.0\"\ndescription = \"Panics.\"\nlanguage = \"rust\"\n";
    project.file("policy.toml", about);
    project.file("panics.wasm", hostile("panic", &["connection"]));
    for (expected, code) in [("verdict = \"error\"\ncode = \"trap\"", 0), ("verdict = \"allow\"", 1)] {
        let case = "[[case]]\nname = \"it\"\nhook = \"connection\"\nconnection = { host = \"example.org\", port = 443 }";
        project.file("cases.toml", format!("{case}\n[case.expect]\n{expected}\n"));
        let ran = run(who, &["policy", "test", "--json", project.path().to_str().expect("a path of text")]);
        assert_eq!(ran.code, code, "{expected}: {ran:?}");
        let told = ran.json();
        assert_eq!((&told[0]["policy"], &told[0]["ok"]), (&json!("panics"), &json!(code == 0)), "{told}");
        let why = told[0]["problems"].to_string();
        assert_eq!(why.contains("the policy failed") && why.contains("unreachable"), code == 1, "{told}");
    }
}
