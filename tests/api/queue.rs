//! More jobs than fit, and clients that leave.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use support::{Case, Daemon, Snapshot, Who, cases, eventually, running, same_again};

use crate::blobs::upload;
use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![a_full_queue, room_for_large_jobs, a_client_that_leaves]
}

fn a_full_queue(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 1\nmax_queued = 2");
    let cookie = format!("71{}", daemon.pid());
    let slow = json!({"command": ["sleep", cookie]});
    let ids: Vec<_> = (0..3).map(|_| daemon.submit(&slow)).collect();
    for _ in 0..3 {
        let answer = daemon.client().post("/jobs?wait=true", &slow);
        problem(&answer, 429, "queue_full");
        let after: u64 =
            answer.header("retry-after").and_then(|text| text.parse().ok()).expect("a number of seconds");
        assert!((1..=60).contains(&after), "{after}");
    }
    for id in ids.iter().rev() {
        assert_eq!(daemon.cancel(id)["status"], "cancelled");
    }
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded", "there is room again");
}

/// 256 MiB, of which one that is cancelled while it waits gives back its part before that is told.
fn room_for_large_jobs(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 1");
    let mut client = daemon.client();
    let blob = upload(&mut client, &vec![b'x'; 64 << 20]);
    let first = daemon.submit(&json!({"command": ["sleep", "600"], "limits": {"wall_time_ms": 600_000}}));
    let large = json!({"command": ["true"], "stdin": {"blob": blob}});
    // With what else belongs to each of them a fourth would be more than 256.
    let mut waiting: VecDeque<_> = (0..3).map(|_| daemon.submit(&large)).collect();
    for _ in 0..5 {
        problem(&client.post("/jobs", &large), 429, "queue_full");
        let id = waiting.pop_front().expect("three");
        assert_eq!(daemon.cancel(&id)["status"], "cancelled");
        waiting.push_back(daemon.submit(&large));
    }
    for id in waiting.iter().chain([&first]) {
        daemon.cancel(id);
    }
}

/// The job goes on: it was taken in. Nothing stays of it once it has ended.
fn a_client_that_leaves(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("3.72{}", daemon.pid());
    daemon.run(&json!({"command": ["true"]}));
    let before = Snapshot::idle(&daemon, &cookie);
    for _ in 0..10 {
        let mut client = daemon.client();
        let body = json!({"command": ["sleep", cookie]}).to_string();
        client.send(&client.head(
            "POST",
            "/jobs?wait=true",
            &[("content-type", "application/json")],
            Some(body.len()),
        ));
        client.send(body.as_bytes());
        running(&cookie);
        drop(client);
    }
    let mut half = daemon.client();
    half.send(b"POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{");
    drop(half);
    eventually(Duration::from_mins(1), "all of them end", || {
        let usage = daemon.client().get("/usage").json();
        (usage["running"] == 0 && usage["queued"] == 0).then_some(())
    });
    same_again(&before, || Snapshot::of(&daemon, &cookie));
}
