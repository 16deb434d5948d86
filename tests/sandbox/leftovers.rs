//! Two thousand jobs through one daemon, and then nothing more on the host than before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use support::{Case, Daemon, Snapshot, Who, cases, figure, load, rss_kib, same_again};

pub(crate) fn cases() -> Vec<Case> {
    cases![two_thousand_jobs].into_iter().map(Case::alone).collect()
}

const JOBS: usize = 2000;
const CLIENTS: usize = 4;

/// Each kind of job, and the status it must end with.
fn kinds(cookie: &str) -> Vec<(&'static str, Value)> {
    let loaded =
        |command: Value, limits: Value| json!({"files": [load()], "command": command, "limits": limits});
    vec![
        ("succeeded", json!({"command": ["true"]})),
        (
            "succeeded",
            json!({"command": ["sh", "-c", "cat | tee out/a > /tmp/b"], "stdin": {"text": "in"},
            "files": [{"path": "out/x", "text": "x"}], "artifacts": ["out/*"]}),
        ),
        ("timed_out", json!({"command": ["sleep", cookie], "limits": {"wall_time_ms": 20}})),
        ("timed_out", loaded(json!(["./load", "spin", "10000"]), json!({"cpu_time_ms": 20}))),
        ("memory_exceeded", loaded(json!(["./load", "touch", "64"]), json!({"memory_bytes": 8 << 20}))),
        ("timed_out", loaded(json!(["./load", "bomb"]), json!({"pids": 12, "wall_time_ms": 60}))),
        ("succeeded", loaded(json!(["./load", "leave", cookie]), json!({}))),
        (
            "succeeded",
            json!({"command": ["sh", "-c", format!("setsid sleep {cookie} & sleep {cookie} & mkfifo f")],
            "artifacts": ["**"]}),
        ),
        ("failed", json!({"command": ["no-such-program"]})),
        ("failed", json!({"command": ["true"], "workdir": "/no/such/folder"})),
        (
            "disk_exceeded",
            loaded(json!(["./load", "write", "4194304", "/tmp/x"]), json!({"disk_bytes": 1 << 20})),
        ),
        (
            "output_exceeded",
            json!({"command": ["yes"], "on_output_limit": "kill", "limits": {"output_bytes": 1000}}),
        ),
        ("signaled", loaded(json!(["./load", "raise", "11"]), json!({}))),
    ]
}

fn two_thousand_jobs(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 4");
    let cookie = format!("80{}", daemon.pid());
    let kinds = kinds(&cookie);
    // Threads and buffers that the first jobs make are kept for the others.
    run_all(&daemon, &kinds, 2 * kinds.len());
    let before = Snapshot::idle(&daemon, &cookie);
    let (daemon_before, launcher) = (rss_kib(daemon.pid()), daemon.launcher());
    let launcher_before = rss_kib(launcher);
    let start = Instant::now();
    run_all(&daemon, &kinds, JOBS);
    let seconds = start.elapsed().as_secs_f64();
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    let (daemon_after, launcher_after) = (rss_kib(daemon.pid()), rss_kib(launcher));
    figure(format!(
        "{}: {JOBS} jobs in {seconds:.1} s; resident KiB of the daemon {daemon_before} -> {daemon_after}, of the launcher \
         {launcher_before} -> {launcher_after}",
        who.name()
    ));
    assert!(daemon_after < 60 << 10, "the daemon holds {daemon_after} KiB");
    assert!(launcher_after < launcher_before + (2 << 10), "the launcher grew to {launcher_after} KiB");
    let pid = daemon.pid();
    daemon.stop();
    // As root it has left the rights to remove its own groups; the next start does.
    let _next = (who == Who::Root).then(|| Daemon::start(who, &[]));
    let nothing = Snapshot { temporary: before.temporary, mounts: before.mounts, ..Snapshot::default() };
    same_again(&nothing, || Snapshot::after(pid, &cookie));
}

fn run_all(daemon: &Daemon, kinds: &[(&str, Value)], count: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = daemon.client();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let (status, request) = &kinds[number % kinds.len()];
                    let answer = client.post("/jobs?wait=true", request);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let job = answer.json();
                    assert_eq!(job["status"], *status, "job {number}, {}: {job}", request["command"]);
                }
            });
        }
    });
}
