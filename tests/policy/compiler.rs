//! The process that compiles policies: confined before it reads a byte, and no loss when it dies.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use support::{
    BUNDLE, Case, Daemon, Response, Temp, Who, cases, children_of, eventually, status_of, stockade,
};

use crate::kit::policy;
use crate::stage::{denied, entry, generation, job, only, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![it_is_confined, it_is_killed]
}

/// `argv[0]`, and all that there is of the command line.
const ROLE: &str = "@policy-compiler";
/// Soft and hard, as the kernel names them.
const LIMITS: [(&str, [&str; 2]); 5] = [
    ("Max cpu time", ["120", "121"]),
    ("Max data size", ["4294967296", "4294967296"]),
    ("Max file size", ["0", "0"]),
    ("Max open files", ["16", "16"]),
    ("Max core file size", ["0", "0"]),
];
/// More than a pipe holds: once all of it is written, some was read.
const LARGE: usize = 1 << 20;
/// How often the compiler may be done before it is killed.
const TRIES: u8 = 5;

fn it_is_confined(who: Who) {
    let mut compiler = started(who);
    let mut stdin = compiler.stdin.take().expect("stdin is a pipe");
    stdin.write_all(&b"x".repeat(LARGE)).expect("it reads");
    let pid = compiler.id();
    assert_eq!(status_of(pid, "NoNewPrivs").as_deref(), Some("1"));
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("it runs");
    for (name, both) in LIMITS {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let told: Vec<&str> = line.split_whitespace().take(2).collect();
        assert_eq!(told, both, "{name}: {limits}");
    }
    if who == Who::Root {
        is_nobody(pid);
    }
    drop(stdin);
    let output = compiler.wait_with_output().expect("an own child");
    assert_eq!(output.status.code(), Some(1), "no component: {output:?}");
    assert!(output.stdout.is_empty() && !output.stderr.trim_ascii().is_empty(), "{output:?}");
}

/// Through PATH, because the program that makes another user of root hands on the name that it was given.
fn started(who: Who) -> Child {
    let folder = Temp::new();
    symlink(stockade(), folder.path().join(ROLE)).expect("a link in an own folder");
    let path = std::env::var("PATH").expect("a path of text");
    let mut command = who.command(ROLE);
    command.env("PATH", format!("{}:{path}", folder.path().display()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary starts");
    // The folder goes with this function, and under another user the program is yet to be found in it.
    eventually(Duration::from_secs(10), "it has its name", || is_compiler(child.id()).then_some(()));
    child
}

fn is_compiler(pid: u32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.strip_suffix(b"\0") == Some(ROLE.as_bytes())
}

fn is_nobody(pid: u32) {
    for name in ["Uid", "Gid"] {
        let ids = status_of(pid, name).expect("it runs");
        let ids: Vec<&str> = ids.split_whitespace().collect();
        assert!(ids.len() == 4 && !ids.contains(&"0"), "{name}: {ids:?}");
    }
    assert_eq!(status_of(pid, "Groups").as_deref(), Some(""));
    for set in ["CapPrm", "CapEff"] {
        let set = status_of(pid, set).expect("it runs");
        assert!(set.chars().all(|digit| digit == '0'), "{set}");
    }
}

/// As it is where it breaks, or where memory runs out: the set in force stays, and the next load goes well.
fn it_is_killed(who: Who) {
    let deny = policy("deny", &[("CODE", "no"), ("RETRYABLE", "0")], &["validation"]);
    let guard = entry("guard", "guard", &only("no"));
    let daemon = Daemon::with_policies(who, &guard, &[("guard.wasm", &deny)]);
    let settings = "memory_bytes = 67108864\nsettings = { max_memory_bytes = 1073741824 }";
    let more = format!("{}\n{settings}", only("large"));
    daemon.rewrite(BUNDLE, guard.clone() + &entry("large", "large", &more));
    let killed = (0..TRIES).find_map(|number| {
        daemon.rewrite("large.wasm", large(number));
        let before = generation(&daemon);
        let answer = reload_and_kill(&daemon);
        (answer.status != 200).then_some((before, answer))
    });
    let (before, answer) = killed.expect("one of them is still compiled when it is killed");
    says_why(&denied(&answer, 422, "policies_refused"), guard.lines().count() + 1);
    assert_eq!(generation(&daemon), before);
    let denial = denied(&send(&daemon, &job("no")), 403, "policy_denied");
    assert_eq!(denial["policy"][0]["generation"], before, "{denial}");
    assert_eq!(send(&daemon, &job("yes")).json()["status"], "succeeded");
    let again = daemon.client().post("/policies/reload", &json!({}));
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(generation(&daemon), before + 1);
}

fn says_why(problem: &Value, line: usize) {
    assert_eq!(
        (&problem["policy"], &problem["code"], &problem["line"]),
        (&json!("large"), &json!("compile"), &json!(line)),
        "{problem}"
    );
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    assert!(text("bundle").ends_with(BUNDLE), "{problem}");
    assert!(text("detail").contains("SIGKILL"), "{problem}");
    assert!(!text("remedy").is_empty(), "{problem}");
}

/// An interpreter, which is compiled for a while; each number makes other bytes of it, which no cache knows.
fn large(number: u8) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/corpus/js-0.1.0.wasm");
    let component = std::fs::read(path).expect("a file of the corpus");
    // A custom section: its id, its size, and its name after the length of that.
    [&component[..], &[0, 3, 2, b'n', b'0' + number]].concat()
}

fn reload_and_kill(daemon: &Daemon) -> Response {
    std::thread::scope(|scope| {
        let reload = scope.spawn(|| daemon.client().post("/policies/reload", &json!({})));
        let compiler = eventually(Duration::from_mins(1), "it starts, or there is an answer", || {
            let found = children_of(daemon.pid()).into_iter().find(|pid| is_compiler(*pid));
            (found.is_some() || reload.is_finished()).then_some(found)
        });
        if let Some(pid) = compiler {
            // It may have ended just now.
            kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).ok();
        }
        reload.join().expect("the daemon answers")
    })
}
