//! A state directory on a file system without room.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Case, Daemon, State, Who, cases, eventually, figure};

use crate::disk::{Disk, LITTLE};
use crate::journal::is_intact;

pub(crate) fn cases() -> Vec<Case> {
    cases![full_disk].into_iter().map(|case| case.only(&[Who::Root])).collect()
}

/// Of each job's output, all of it kept.
const PRINTED: usize = 700_000;

/// Prints the first half of its output, and the other when `seconds` are over.
fn printing(seconds: &str) -> Value {
    let half = PRINTED / 2;
    let line = format!(
        "head -c {half} /dev/zero | tr '\\0' a; sleep {seconds}; head -c {half} /dev/zero | tr '\\0' b"
    );
    json!({"command": ["sh", "-c", line], "limits": {"output_bytes": 2 << 20}})
}

fn full_disk(who: Who) {
    let disk = Disk::new(192);
    let state = State::below(who, disk.path());
    let daemon = Daemon::resumed(who, &state, "max_running = 4");
    let before: Vec<String> = (0..5).map(|_| id(&daemon.run(&json!({"command": ["true"]})))).collect();
    let [sooner, later] = [running(&daemon, "3"), running(&daemon, "12")];
    disk.fill(LITTLE);
    let refusal = eventually(Duration::from_secs(10), "new jobs are refused", || {
        let answer = daemon.client().post("/jobs", &json!({"command": ["true"]}));
        (answer.status != 202).then_some(answer)
    });
    assert_eq!(refusal.status, 507, "{}", refusal.text());
    assert_eq!(refusal.json()["type"], "urn:stockade:problem:storage_full", "{}", refusal.text());
    let mut ended: Vec<Value> = sooner.iter().map(|id| whole(&daemon.ended(id))).collect();
    figure(format!("{} bytes free when two jobs ended with {PRINTED} bytes of output each", disk.free()));
    disk.fill(0);
    figure(format!("{} bytes free when two more do", disk.free()));
    owed(&daemon, &later);
    still_answers(&daemon, &before);
    disk.empty();
    let start = Instant::now();
    let next = eventually(Duration::from_secs(15), "new jobs are taken again", || {
        let answer = daemon.client().post("/jobs?wait=true", &json!({"command": ["true"]}));
        (answer.status != 507).then_some(answer)
    });
    assert_eq!((next.status, &next.json()["status"]), (200, &json!("succeeded")), "{}", next.text());
    ended.extend(later.iter().map(|id| whole(&daemon.ended(id))));
    figure(format!("{} ms after there was room again, all had ended", start.elapsed().as_millis()));
    told_once(&daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
    is_intact(&state);
    let again = Daemon::resumed(who, &state, "");
    for (id, was) in sooner.iter().chain(&later).zip(&ended) {
        assert_eq!(again.job(id), *was, "it is as it was told");
    }
    still_answers(&again, &before);
    assert_eq!(again.job(&id(&next.json()))["status"], "succeeded");
    assert_eq!(again.stop().code(), Some(0));
}

/// That there is no room, and that there is again; not with each request that is refused.
fn told_once(log: &str) {
    for words in ["the disk is nearly full", "the disk has room again"] {
        assert_eq!(log.matches(words).count(), 1, "{words}: {log}");
    }
    assert!(!log.contains("request failed"), "{log}");
}

/// Two jobs that end after so many seconds.
fn running(daemon: &Daemon, seconds: &str) -> [String; 2] {
    let ids = [daemon.submit(&printing(seconds)), daemon.submit(&printing(seconds))];
    for id in &ids {
        eventually(Duration::from_secs(5), "it runs", || {
            (daemon.job(id)["status"] == "running").then_some(())
        });
    }
    ids
}

fn whole(job: &Value) -> Value {
    assert_eq!(job["status"], "succeeded", "{job}");
    assert_eq!(job["steps"][0]["stdout"]["text"].as_str().map(str::len), Some(PRINTED), "{}", job["id"]);
    job.clone()
}

/// Their programs end; but nobody is told of an end that could not be written, and might be lost.
fn owed(daemon: &Daemon, ids: &[String]) {
    eventually(Duration::from_secs(15), "their programs have ended", || {
        daemon.log().contains("is not written yet").then_some(())
    });
    for id in ids {
        let job = daemon.client().get(&format!("/jobs/{id}?wait=1s")).json();
        assert_eq!(job["status"], "running", "{job}");
        let page = daemon.client().get(&format!("/jobs/{id}/events?limit=1000")).json();
        let told = |event: &Value| event["type"] == "ended";
        assert!(!page["items"].as_array().is_some_and(|events| events.iter().any(told)), "{page}");
    }
}

fn id(job: &Value) -> String {
    job["id"].as_str().expect("a job has an id").to_owned()
}

/// What can be read is not the worse for a disk without room.
fn still_answers(daemon: &Daemon, ids: &[String]) {
    let mut client = daemon.client();
    for id in ids {
        assert_eq!(client.get(&format!("/jobs/{id}")).json()["status"], "succeeded");
        assert_eq!(client.get(&format!("/jobs/{id}/events?limit=100")).status, 200);
    }
    assert_eq!(client.get("/jobs?limit=10").status, 200);
    assert_eq!(client.get("/healthz").status, 200);
}
