//! What a daemon reads again without a restart, behind its walls.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use support::{BUNDLE, Case, Daemon, Temp, Who, cases, eventually};

use super::bundle;

pub(super) fn cases() -> Vec<Case> {
    cases![no_other_folder, a_switched_link, a_switched_folder_below]
}

/// The bundle's own folder, and those of its components, can be read after the start; another, which the user could read, cannot.
fn no_other_folder(who: Who) {
    let elsewhere = Temp::new();
    elsewhere.file("secret.wasm", "not for the daemon");
    let names = |plugin: &str| format!("[[policy]]\nname = \"p\"\nplugin = \"{plugin}\"\n");
    let daemon = Daemon::with_policies(who, &bundle(), &[]);
    let folder = elsewhere.path().display();
    daemon.rewrite(BUNDLE, names(&format!("{folder}/secret.wasm")));
    let refused = daemon.client().post("/policies/reload", &json!({}));
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(
        refused.text().contains("outside of what this process could read when it started"),
        "{}",
        refused.text()
    );
    daemon.rewrite("near.wasm", "no component either");
    daemon.rewrite(BUNDLE, names("near.wasm"));
    let refused = daemon.client().post("/policies/reload", &json!({})).text();
    assert!(!refused.contains("Permission denied"), "{refused}");
}

/// `current` leads to another folder than at the start: told so, and mended by a restart.
fn a_switched_link(who: Who) {
    let folder = settings("current/policies.toml");
    for release in ["releases/42", "releases/43"] {
        fs::create_dir_all(folder.path().join(release)).expect("an own folder");
        folder.file(&format!("{release}/policies.toml"), bundle());
    }
    symlink("releases/42", folder.path().join("current")).expect("an own folder");
    let daemon = Daemon::of_folder(who, folder);
    assert_eq!(daemon.client().post("/policies/reload", &json!({})).status, 200);
    switch(daemon.folder(), "current", "releases/43");
    let refused = daemon.client().post("/policies/reload", &json!({}));
    assert_eq!(refused.status, 422, "{}", refused.text());
    for words in ["outside of what this process could read when it started", "restart it"] {
        assert!(refused.text().contains(words), "{}", refused.text());
    }
    assert_eq!(generation(&daemon), 2, "the one in force stays");
}

/// As Kubernetes mounts a ConfigMap: the files are links by way of `..data`, which is switched to a new folder beside it.
fn a_switched_folder_below(who: Who) {
    let folder = settings("policies/ci.toml");
    let put = |version: &str, bundle: &str| {
        fs::create_dir_all(folder.path().join("policies").join(version)).expect("an own folder");
        folder.file(&format!("policies/{version}/ci.toml"), bundle);
    };
    put("..2026_11", &bundle());
    put("..2026_12", &bundle().replace("4096", "2048"));
    symlink("..2026_11", folder.path().join("policies/..data")).expect("an own folder");
    symlink("..data/ci.toml", folder.path().join("policies/ci.toml")).expect("an own folder");
    let daemon = Daemon::of_folder(who, folder);
    switch(&daemon.folder().join("policies"), "..data", "..2026_12");
    fs::remove_dir_all(daemon.folder().join("policies/..2026_11")).expect("an own folder");
    let reloaded = daemon.client().post("/policies/reload", &json!({}));
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    assert_eq!(generation(&daemon), 2);
    daemon.signal(Signal::SIGHUP);
    let third = || (generation(&daemon) == 3).then_some(());
    eventually(Duration::from_secs(20), "SIGHUP reloads as the request does", third);
}

/// With settings that name this bundle.
fn settings(bundle: &str) -> Temp {
    let folder = Temp::new();
    let cache = folder.path().join("cache");
    folder
        .file("stockade.toml", format!("policies = \"{bundle}\"\npolicy_cache = \"{}\"\n", cache.display()));
    folder
}

/// At once, as `ln -sfn` and `mv -T` do.
fn switch(folder: &Path, link: &str, to: &str) {
    let new = folder.join("new-link");
    symlink(to, &new).expect("an own folder");
    fs::rename(new, folder.join(link)).expect("an own folder");
}

fn generation(daemon: &Daemon) -> u64 {
    let shown = daemon.client().get("/policies").json();
    shown["generation"].as_u64().unwrap_or_else(|| panic!("no generation: {shown}"))
}
