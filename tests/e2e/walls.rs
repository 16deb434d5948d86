//! The daemon's own walls, as the kernel tells of them.

mod reload;
mod secrets;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::SYS_landlock_create_ruleset;
use serde_json::json;
use support::{Case, Daemon, Needs, STATE_DIR, State, Temp, Who, cases, eventually, run, stockade, token};

use crate::outer;

pub(crate) fn cases() -> Vec<Case> {
    let all = cases![every_thread, files_are_its_own, nothing_is_made_in_the_root];
    let of_root = cases![low_port].into_iter().map(|case| case.only(&[Who::Root]));
    let filtered = cases![no_landlock].into_iter().map(|case| case.needs(Needs::Host(outer::no_python)));
    all.into_iter().chain(of_root).chain(filtered).chain(reload::cases()).chain(secrets::cases()).collect()
}

/// A policy that has something to say about no job here.
fn bundle() -> String {
    let settings = "grants = [\"patch\"]\ntimeout_ms = 5000\nsettings = { max = { pids = 4096 } }\n";
    format!("[[policy]]\nname = \"limits\"\nplugin = \"builtin:resource-limits\"\n{settings}")
}

fn threads_hold_nothing(daemon: &Daemon) {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("the daemon runs");
    let sets = ["Inh", "Prm", "Eff", "Amb"].map(|set| format!("Cap{set}:\t0000000000000000"));
    let mut threads = 0;
    for task in tasks.flatten() {
        let Ok(status) = fs::read_to_string(task.path().join("status")) else {
            assert!(!task.path().exists(), "readable by everybody, or one of those that come and go");
            continue;
        };
        for line in sets.iter().map(String::as_str).chain(["NoNewPrivs:\t1", "Seccomp:\t2"]) {
            assert!(status.contains(line), "{line} of {status}");
        }
        assert!(!status.contains("Uid:\t0"), "{status}");
        threads += 1;
    }
    assert!(threads > 3, "{threads} threads");
}

/// All its threads; the launcher has none of it, since it makes namespaces.
fn every_thread(who: Who) {
    let daemon = Daemon::with_policies(who, &bundle(), &[]);
    daemon.run(&json!({"command": ["true"]}));
    threads_hold_nothing(&daemon);
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap_or_default();
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    assert!(core.is_none_or(|line| line.split_whitespace().nth(4) == Some("0")), "{core:?}");
    // proc(5): what belongs to a process that is not dumpable is root's.
    let memory = fs::metadata(format!("/proc/{}/mem", daemon.pid())).expect("the daemon runs");
    assert_eq!(memory.uid(), 0, "its user may look into it");
    let launcher = fs::read_to_string(format!("/proc/{}/status", daemon.launcher())).expect("it runs");
    assert!(launcher.contains("Seccomp:\t0"), "{launcher}");
}

/// As a unit with `AmbientCapabilities=CAP_NET_BIND_SERVICE` starts it. The threads that policies run in are there before the
/// server is.
fn low_port(_: Who) {
    const USER: u32 = 61_235;
    let folder = Temp::new();
    chown(folder.path(), Some(USER), None).expect("root gives away an own folder");
    let file = folder.file("policies.toml", bundle());
    let policies = file.to_str().expect("a temporary path is text");
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let port = (600..1024).find(free).expect("a free port that takes the capability");
    let address = format!("127.0.0.1:{port}");
    let mut setpriv = Command::new("setpriv");
    setpriv.args([format!("--reuid={USER}"), format!("--regid={USER}"), "--clear-groups".into()]);
    setpriv.args(["--inh-caps=-all,+net_bind_service", "--ambient-caps=-all,+net_bind_service", "--"]);
    setpriv.arg(stockade()).current_dir("/").env("HOME", folder.path());
    let args = ["--listen", &address, "--policies", policies, "--allow-degraded", "cgroup"];
    let daemon = Daemon::behind(Who::Root, setpriv, &args, State::below(Who::Root, folder.path()));
    let line = format!("listening on http://{address}");
    eventually(Duration::from_secs(5), &line, || daemon.log().contains(&line).then_some(()));
    daemon.run(&json!({"command": ["true"]}));
    threads_hold_nothing(&daemon);
}

/// As on a kernel without it: refused, unless the operator allows it by name.
fn no_landlock(who: Who) {
    let kernel = || outer::filtered(who, &[(SYS_landlock_create_ruleset, Errno::ENOSYS)]);
    let state = State::new(who);
    let mut serve = kernel();
    serve.args(["serve", "--listen", "127.0.0.1:0"]).env(STATE_DIR, state.path()).stderr(Stdio::piped());
    let mut refused = serve.spawn().expect("it starts");
    let status = eventually(Duration::from_secs(20), "it ends", || refused.try_wait().expect("an own child"));
    let said = refused.wait_with_output().expect("an own child").stderr;
    let said = String::from_utf8_lossy(&said);
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(
        said.contains("landlock") && said.contains("hint: ") && said.contains("--allow-degraded=landlock"),
        "{said}"
    );
    let daemon = Daemon::behind(who, kernel(), &["--allow-degraded", "landlock"], state);
    let job = daemon.run(&json!({"command": ["true"]}));
    assert_eq!(job["isolation"]["degraded"], json!(["landlock"]), "{job}");
    assert!(daemon.log().contains("cannot be held to its own files by landlock"), "{}", daemon.log());
}

/// What is made in `/` would take a right to all that is below it.
fn nothing_is_made_in_the_root(who: Who) {
    let refused = run(who, &["serve", "--listen", "unix:/stockade-of-a-test.sock"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    for words in ["setting `listen`", "lies in `/` itself", "hint: ", "a folder of its own"] {
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
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
