//! A daemon that is told to stop while it has much to do, and two that want the same jobs.

use std::io::Read;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Case, Client, Daemon, Snapshot, State, Who, cases, eventually, figure, same_again, stockade};

use crate::journal::is_intact;

pub(crate) fn cases() -> Vec<Case> {
    cases![terminated_under_load, one_daemon_per_state]
}

const SETTINGS: &str = "max_running = 2";
const JOBS: usize = 24;

fn terminated_under_load(who: Who) {
    let state = State::new(who);
    let daemon = Daemon::resumed(who, &state, SETTINGS);
    let (pid, cookie) = (daemon.pid(), format!("0.3000{}", daemon.pid()));
    let nothing = Snapshot::after(u32::MAX, &cookie);
    let ids: Vec<String> = (0..JOBS).map(|_| daemon.submit(&json!({"command": ["sleep", cookie]}))).collect();
    eventually(Duration::from_secs(10), "one of them has ended, and another has its place", || {
        (daemon.job(&ids[0])["status"] == "succeeded" && daemon.job(&ids[2])["status"] != "queued")
            .then_some(())
    });
    let address = daemon.address;
    let (refused, in_time) = thread::scope(|scope| {
        let late = scope.spawn(move || too_late(address));
        assert_eq!(daemon.stop().code(), Some(0));
        late.join().expect("a client that comes too late")
    });
    is_intact(&state);
    let next = Daemon::resumed(who, &state, SETTINGS);
    // It has swept what the one before could not remove.
    same_again(&nothing, || Snapshot::after(pid, "no such word"));
    let before: Vec<Value> = ids.iter().map(|id| next.job(id)).collect();
    let ended = before.iter().filter(|job| job["status"] == "succeeded").count();
    let waiting =
        before.iter().filter(|job| matches!(job["status"].as_str(), Some("queued" | "running"))).count();
    figure(format!(
        "{}: told to stop with {JOBS} jobs: {ended} had ended, {waiting} went on later; new ones: {refused}",
        who.name()
    ));
    assert_eq!(ended + waiting, JOBS, "none was cut off: {before:?}");
    assert!(ended >= 3 && waiting > 0, "those that ran ended, those that waited did not start");
    for id in ids.iter().chain(&in_time) {
        let job = next.ended(id);
        assert_eq!((&job["status"], &job["attempt"]), (&json!("succeeded"), &json!(1)), "{job}");
    }
    assert_eq!(next.stop().code(), Some(0));
}

/// What somebody hears who sends jobs while the daemon stops, and those that were taken before it did.
fn too_late(address: std::net::SocketAddr) -> (&'static str, Vec<String>) {
    let mut taken = Vec::new();
    let kind = [("content-type", "application/json")];
    loop {
        thread::sleep(Duration::from_millis(30));
        let Some(mut client) = Client::connect(address) else { return ("nobody listens", taken) };
        match client.attempt("POST", "/jobs", &kind, br#"{"command": ["true"]}"#) {
            None => return ("connection closed", taken),
            Some(answer) if answer.status == 503 => {
                assert_eq!(answer.json()["type"], "urn:stockade:problem:stopping", "{}", answer.text());
                return ("503 stopping", taken);
            }
            Some(answer) => {
                assert_eq!(answer.status, 202, "{}", answer.text());
                taken.push(answer.json()["id"].as_str().expect("an id").to_owned());
            }
        }
    }
}

fn one_daemon_per_state(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let id = daemon.submit(&json!({"command": ["sleep", "0.5"]}));
    let mut second = who.command(stockade());
    second.args(["serve", "--listen", "127.0.0.1:0", "--state-dir"]).arg(daemon.state().path());
    second.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut second = second.spawn().expect("the binary starts");
    let mut words = second.stderr.take().expect("stderr is a pipe");
    let status = eventually(Duration::from_secs(10), "the second daemon ends", || {
        second.try_wait().expect("an own child")
    });
    let mut told = String::new();
    words.read_to_string(&mut told).expect("text");
    assert!(!status.success(), "{status}: {told}");
    assert!(!told.contains("listening on"), "{told}");
    let place = daemon.state().path().display().to_string();
    assert!(told.contains(&place) || told.contains("another"), "it says why: {told}");
    figure(format!("{}: the second daemon: {}", who.name(), told.trim().lines().last().unwrap_or_default()));
    assert_eq!(daemon.ended(&id)["status"], "succeeded", "the first one goes on");
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded");
    // The first one's jobs were not taken from it.
    assert_eq!(daemon.job(&id)["attempt"], 1);
    assert_eq!(daemon.stop().code(), Some(0));
}
