//! Whatever dies, and however, nothing of a job stays.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use support::{
    Case, Daemon, Snapshot, Who, alive, cases, children_of, eventually, figure, load, patient, running,
    same_again, sleeping, status_of, stockade,
};

pub(crate) fn cases() -> Vec<Case> {
    let all = cases![
        daemon_killed,
        killed_just_before_a_start,
        daemon_stopped,
        drained,
        launcher_killed,
        keeper_killed,
        init_killed,
        run_killed
    ];
    all.into_iter().map(|case| case.only(&Who::ALL)).collect()
}

/// A job with a child in a session of its own beside its main process.
fn request(cookie: &str) -> Value {
    json!({"files": [load()], "command": ["sh", "-c", format!("./load leave {cookie}; exec sleep {cookie}")],
        "limits": {"wall_time_ms": 60_000}})
}

/// The job of [`request`] with both of its processes alive.
fn begun(daemon: &Daemon, cookie: &str) -> String {
    let id = daemon.submit(&request(cookie));
    both_run(cookie);
    id
}

fn both_run(cookie: &str) {
    eventually(Duration::from_secs(10), "both processes of the job run", || {
        (running(cookie).len() == 2).then_some(())
    });
}

fn kill_9(pid: u32) {
    signal(pid, Signal::SIGKILL);
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).expect("it runs, and this user may signal it");
}

fn gone(cookie: &str) {
    let start = Instant::now();
    eventually(Duration::from_secs(5), "every process of the job is gone", || {
        sleeping(cookie).is_empty().then_some(())
    });
    figure(format!("{cookie}: gone after {} ms", start.elapsed().as_millis()));
}

/// What a killed daemon could not clear away, the next one's start does.
fn swept(who: Who, pid: u32, cookie: &str) {
    let next = Daemon::start(who, &[]);
    same_again(&clean(), || Snapshot::after(pid, cookie));
    assert_eq!(next.run(&json!({"command": ["true"]}))["status"], "succeeded");
}

/// Nothing at all; what others made in the temporary directory is not asked.
fn clean() -> Snapshot {
    let Snapshot { temporary, mounts, .. } = Snapshot::after(u32::MAX, "no such word");
    Snapshot { temporary, mounts, ..Snapshot::default() }
}

fn daemon_killed(who: Who) {
    let mut daemon = Daemon::start(who, &[]);
    let (pid, launcher, keeper) = (daemon.pid(), daemon.launcher(), daemon.keeper());
    let cookie = format!("81{pid}");
    begun(&daemon, &cookie);
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    gone(&cookie);
    ended(&[launcher, keeper]);
    swept(who, pid, &cookie);
}

/// While one of them is still on its way out the groups are in use, and no start sweeps them.
fn ended(helpers: &[u32]) {
    eventually(Duration::from_secs(5), "the helpers end", || {
        (!helpers.iter().any(|pid| alive(*pid))).then_some(())
    });
}

/// A start that finds them in use leaves them to its stop.
fn killed_just_before_a_start(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (pid, keeper, cookie) = (daemon.pid(), daemon.keeper(), format!("87{}", daemon.pid()));
    signal(keeper, Signal::SIGSTOP);
    daemon.kill();
    let next = Daemon::start(who, &[]);
    assert!(!Snapshot::after(pid, &cookie).cgroups.is_empty(), "the keeper holds them");
    signal(keeper, Signal::SIGCONT);
    ended(&[keeper]);
    assert_eq!(next.stop().code(), Some(0));
    if who == Who::Root {
        return swept(who, pid, &cookie);
    }
    same_again(&clean(), || Snapshot::after(pid, &cookie));
}

/// A first SIGTERM waits for jobs, a second does not.
fn daemon_stopped(who: Who) {
    let mut daemon = Daemon::start(who, &[]);
    let pid = daemon.pid();
    let cookie = format!("82{pid}");
    begun(&daemon, &cookie);
    let start = Instant::now();
    daemon.signal(Signal::SIGTERM);
    eventually(Duration::from_secs(5), "the daemon heard", || {
        daemon.log().contains("stopping").then_some(())
    });
    assert_eq!(sleeping(&cookie).len(), 2, "the job goes on");
    daemon.signal(Signal::SIGTERM);
    let status = daemon.wait();
    figure(format!("{}: stopped with a job running in {} ms", who.name(), start.elapsed().as_millis()));
    assert_eq!(status.code(), Some(0), "{status}");
    gone(&cookie);
    if who == Who::Root {
        // Its groups are root's, and it is not root any more.
        return swept(who, pid, &cookie);
    }
    same_again(&clean(), || Snapshot::after(pid, &cookie));
}

/// Whoever waits for a job when the daemon is told to stop gets the answer.
fn drained(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("4.98{}", daemon.pid());
    let mut client = daemon.client();
    let answer = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| client.post("/jobs?wait=true", &json!({"command": ["sleep", cookie]})));
        running(&cookie);
        daemon.signal(Signal::SIGTERM);
        waiting.join().expect("an answer")
    });
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("succeeded")), "{}", answer.text());
    let start = Instant::now();
    daemon.stop();
    assert!(
        start.elapsed() < patient(Duration::from_secs(5)),
        "nothing was left to wait for: {:?}",
        start.elapsed()
    );
}

fn launcher_killed(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let pid = daemon.pid();
    let cookie = format!("83{pid}");
    let id = begun(&daemon, &cookie);
    kill_9(daemon.launcher());
    gone(&cookie);
    let start = Instant::now();
    let job = daemon.ended(&id);
    assert_eq!(job["status"], "lost", "our fault, never the job's: {job}");
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded", "there is another launcher");
    assert!(start.elapsed() < patient(Duration::from_secs(5)), "{:?}", start.elapsed());
    assert_eq!(daemon.client().get("/healthz").status, 200);
    daemon.stop();
    swept(who, pid, &cookie);
}

/// With its keeper there is no other launcher to come.
fn keeper_killed(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (pid, launcher) = (daemon.pid(), daemon.launcher());
    let cookie = format!("86{pid}");
    let id = begun(&daemon, &cookie);
    kill_9(daemon.keeper());
    gone(&cookie);
    ended(&[launcher]);
    let job = daemon.ended(&id);
    assert_eq!(job["status"], "lost", "our fault, never the job's: {job}");
    // No more jobs can run, and that is said at once.
    let answer = daemon.client().post("/jobs?wait=10s", &json!({"command": ["true"]}));
    assert_eq!(answer.status, 503, "{}", answer.text());
    let health = daemon.client().get("/healthz");
    assert_eq!((health.status, &health.json()["type"]), (503, &json!("urn:stockade:problem:launcher_gone")));
    daemon.stop();
    swept(who, pid, &cookie);
}

fn init_killed(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("84{}", daemon.pid());
    daemon.run(&json!({"command": ["true"]}));
    let before = Snapshot::idle(&daemon, &cookie);
    let id = begun(&daemon, &cookie);
    // The main process is init's child; the one that went away was given to init as well.
    let parent =
        status_of(running(&cookie)[0], "PPid").and_then(|pid| pid.parse().ok()).expect("it has a parent");
    kill_9(parent);
    gone(&cookie);
    let job = daemon.ended(&id);
    assert_eq!(job["status"], "internal_error", "our fault, never the job's: {job}");
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded", "the daemon works on");
}

fn run_killed(who: Who) {
    let mut command = who.command(stockade());
    // Of this user alone: the others' cases may run at the same time.
    let cookie = format!("85{}{}", std::process::id(), who.name().as_bytes()[0]);
    let script = format!("setsid sleep {cookie} & exec sleep {cookie}");
    command.args(["run", "sh", "-c", &script]).stdin(std::process::Stdio::null());
    let mut child = command.spawn().expect("run starts");
    both_run(&cookie);
    let helpers = descendants(child.id());
    assert!(!helpers.is_empty(), "a launcher at least");
    child.kill().expect("an own child");
    child.wait().expect("an own child");
    gone(&cookie);
    ended(&helpers);
    swept(who, child.id(), &cookie);
}

fn descendants(pid: u32) -> Vec<u32> {
    children_of(pid).into_iter().flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}
