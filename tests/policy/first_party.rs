//! The policies that come with the binary, in the bundles that come with it. What each of them does, its own cases show.

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases};

use crate::stage::{asked, builtin, decision, denied, job, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![an_empty_allow_list_denies_all, shipped_bundles, secrets_are_found, limits_are_lowered]
}

fn an_empty_allow_list_denies_all(who: Who) {
    let daemon =
        Daemon::with_policies(who, &builtin("it", "image-allowlist", "settings = { images = [] }"), &[]);
    for request in [job("x"), json!({"command": ["true"], "image": "host"})] {
        let problem = denied(&send(&daemon, &request), 403, "policy_denied");
        let one = decision(&problem, "it");
        assert_eq!((&one["code"], &one["field"]), (&json!("image-not-allowed"), &json!("/image")), "{one}");
    }
}

fn shipped_bundles(who: Who) {
    for bundle in ["ci", "default", "ide", "judge"] {
        let daemon = Daemon::configured(who, &format!("policies = {bundle:?}"));
        let summary = daemon.client().get("/policies").json();
        assert_eq!((&summary["bundle"], &summary["generation"]), (&json!(bundle), &json!(1)), "{summary}");
        let all = summary["policies"].as_array().expect("a list");
        assert!(all.iter().all(|one| one["plugin"].to_string().contains("builtin:")), "{summary}");
        let ran = daemon.run(&json!({"command": ["true"]}));
        assert_eq!(ran["status"], "succeeded", "{bundle}: {ran}");
        assert!(!asked(&ran).is_empty(), "{bundle}: {ran}");
        assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());
    }
}

fn secrets_are_found(who: Who) {
    let daemon = Daemon::with_policies(who, &builtin("it", "secret-scan", "grants = [\"job-files\"]"), &[]);
    let with = |text: &str| json!({"command": ["true"], "files": [{"path": "a", "text": "x"}, {"path": "b", "text": text}]});
    assert_eq!(daemon.run(&with("nothing here"))["status"], "succeeded");
    // In two pieces, so that no scanner of repositories takes this file for the secret.
    let key = format!("-----BEGIN OPENSSH {} KEY-----\nAAAA\n", "PRIVATE");
    let problem = denied(&send(&daemon, &with(&key)), 403, "policy_denied");
    assert_eq!(problem["errors"][0]["pointer"], "/files/1", "{problem}");
    assert!(!problem.to_string().contains("AAAA"), "{problem}");
}

fn limits_are_lowered(who: Who) {
    let settings = "grants = [\"patch\"]\nsettings = { max = { memory_bytes = 33554432 } }";
    let daemon = Daemon::with_policies(who, &builtin("it", "resource-limits", settings), &[]);
    let request = |mebibytes: &str| {
        let limits = json!({"memory_bytes": 400_000_000});
        json!({"command": ["./load", "touch", mebibytes], "files": [support::load()], "limits": limits})
    };
    let small = daemon.run(&request("8"));
    assert_eq!(small["status"], "succeeded", "{small}");
    let patches: Vec<&Value> =
        small["policy"].as_array().expect("a list").iter().map(|one| &one["patch"]).collect();
    let lowered = json!([{"op": "replace", "path": "/steps/0/limits/memory_bytes", "value": 33_554_432}]);
    assert!(patches.contains(&&lowered), "{small}");
    let large = daemon.run(&request("100"));
    assert_eq!(
        (&large["status"], &large["cause"]["allowed"]),
        (&json!("memory_exceeded"), &json!(33_554_432)),
        "{large}"
    );
}
