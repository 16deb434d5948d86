//! The daemon's own walls, as the kernel tells of them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::json;
use support::{BUNDLE, Case, Daemon, State, Temp, Who, cases, token};

pub(crate) fn cases() -> Vec<Case> {
    cases![every_thread, a_reload_reads_no_other_folder, files_are_its_own, secrets_stay_out_of_the_log]
}

/// A policy that has something to say about no job here.
fn bundle() -> String {
    let settings = "grants = [\"patch\"]\nsettings = { max = { pids = 4096 } }\n";
    format!("[[policy]]\nname = \"limits\"\nplugin = \"builtin:resource-limits\"\n{settings}")
}

/// All its threads; the launcher has none of it, since it makes namespaces.
fn every_thread(who: Who) {
    let daemon = Daemon::with_policies(who, &bundle(), &[]);
    daemon.run(&json!({"command": ["true"]}));
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("the daemon runs");
    let mut threads = 0;
    for task in tasks.flatten() {
        let status = fs::read_to_string(task.path().join("status")).expect("readable by everybody");
        for line in
            ["NoNewPrivs:\t1", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "Seccomp:\t2"]
        {
            assert!(status.contains(line), "{line} of {status}");
        }
        assert!(!status.contains("Uid:\t0"), "{status}");
        threads += 1;
    }
    assert!(threads > 3, "{threads} threads");
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap_or_default();
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    assert!(core.is_none_or(|line| line.split_whitespace().nth(4) == Some("0")), "{core:?}");
    // proc(5): what belongs to a process that is not dumpable is root's.
    let memory = fs::metadata(format!("/proc/{}/mem", daemon.pid())).expect("the daemon runs");
    assert_eq!(memory.uid(), 0, "its user may look into it");
    let launcher = fs::read_to_string(format!("/proc/{}/status", daemon.launcher())).expect("it runs");
    assert!(launcher.contains("Seccomp:\t0"), "{launcher}");
}

/// The bundle's own folder, and those of its components, can be read after the start; another, which the user could read, cannot.
fn a_reload_reads_no_other_folder(who: Who) {
    let elsewhere = Temp::new();
    elsewhere.file("secret.wasm", "not for the daemon");
    let names = |plugin: &str| format!("[[policy]]\nname = \"p\"\nplugin = \"{plugin}\"\n");
    let daemon = Daemon::with_policies(who, &bundle(), &[]);
    let folder = elsewhere.path().display();
    daemon.rewrite(BUNDLE, names(&format!("{folder}/secret.wasm")));
    let refused = daemon.client().post("/policies/reload", &json!({}));
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("Permission denied"), "{}", refused.text());
    daemon.rewrite("near.wasm", "no component either");
    daemon.rewrite(BUNDLE, names("near.wasm"));
    let refused = daemon.client().post("/policies/reload", &json!({})).text();
    assert!(!refused.contains("Permission denied"), "{refused}");
}

fn files_are_its_own(who: Who) {
    let state = State::new(who);
    let token = token(who, &state, "t", "submit,read");
    let daemon = Daemon::resumed(who, &state, "");
    let mut client = daemon.client().bearing(&token);
    let blob = client.request("POST", "/blobs", &[], b"an upload");
    assert_eq!(blob.status, 201, "{}", blob.text());
    let job = client.post("/jobs?wait=true", &json!({"command": ["true"]}));
    assert_eq!(job.status, 200, "{}", job.text());
    // Who started as root has given it up.
    let owner = if who == Who::Root { 1_999_999_999 } else { who.uid() };
    let files = state.files();
    for wanted in ["journal.sqlite3", "tokens.toml", "blobs/"] {
        let found = files.iter().any(|(path, _)| path.to_string_lossy().starts_with(wanted));
        assert!(found, "no {wanted} in {files:?}");
    }
    for (path, _) in files {
        closed(owner, &state.path().join(path), 0o600);
    }
    closed(owner, state.path(), 0o700);
    closed(owner, &state.path().join("blobs"), 0o700);
}

/// To the daemon's user and to root, whose verbs make some of them. What is gone meanwhile, such as the database's log, is
/// nobody's.
fn closed(owner: u32, path: &Path, mode: u32) {
    let Ok(found) = fs::metadata(path) else { return };
    let shown = format!("{}: mode {:o} of user {}", path.display(), found.mode(), found.uid());
    assert!([owner, 0].contains(&found.uid()) && found.mode() & 0o777 & !mode == 0, "{shown}");
}

/// However much is logged.
fn secrets_stay_out_of_the_log(who: Who) {
    let state = State::new(who);
    let token = token(who, &state, "t", "submit,read");
    let daemon = Daemon::resumed(who, &state, "log = \"trace\"");
    let request = json!({
        "command": ["sh", "-c", "echo printed-$WORD"],
        "env": {"WORD": "in-the-environment"},
        "stdin": {"text": "in-the-input"},
        "files": [{"path": "f", "text": "in-a-file"}],
        "callback": {"url": "http://127.0.0.1:9/", "secret": "whsec_aW4tYS1zaWduYXR1cmUtb2Ytb3RoZXJz"},
    });
    let mut client = daemon.client().bearing(&token);
    let refused = client.post("/jobs?wait=true", &request);
    assert_eq!(refused.status, 422, "a callback to this machine: {}", refused.text());
    let mut without = request;
    without["callback"] = json!(null);
    let ran = client.post("/jobs?wait=true", &without);
    assert!(ran.status == 200 && ran.text().contains("printed-in-the-environment"), "{}", ran.text());
    let wrong = daemon.client().bearing("sk_a-token-that-is-none").get("/jobs");
    assert_eq!(wrong.status, 401, "{}", wrong.text());
    let log = daemon.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "{log}");
    let secrets = [
        token.as_str(),
        "echo printed",
        "in-the-",
        "in-a-file",
        "printed-in",
        "sk_a-token",
        "aW4tYS1zaWduYXR1cmU",
    ];
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
