//! What outlives a daemon, and what does not have to.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Case, Client, Daemon, Snapshot, Who, cases, eventually, figure, sleeping};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        all_of_a_job,
        before_its_program,
        nothing_of_it,
        what_a_killed_daemon_was_doing,
        pages_over_a_restart,
        filters,
        deleted,
        old_jobs_make_room,
        nothing_new,
        told_at_its_end
    ]
}

fn body(client: &mut Client, target: &str) -> Vec<u8> {
    let answer = client.get(target);
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.body
}

fn all_of_a_job(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let upload =
        client.request("POST", "/blobs", &[("content-type", "application/octet-stream")], b"a blob's bytes");
    assert_eq!(upload.status, 201, "{}", upload.text());
    let digest = upload.json()["digest"].as_str().expect("a digest").to_owned();
    let job = daemon.run(&json!({
        "files": [{"path": "in", "blob": digest}, {"path": "out/x", "text": "x"}], "labels": {"team": "ci"}, "priority": 7,
        "command": ["sh", "-c", "cat in; echo told >&2; head -c 100000 /dev/zero > out/zeros; cp in out/copy; exit 4"],
        "artifacts": ["out/*"]
    }));
    let id = job["id"].as_str().expect("an id").to_owned();
    assert_eq!((&job["status"], &job["steps"][0]["exit_code"]), (&json!("failed"), &json!(4)), "{job}");
    assert_eq!(job["steps"][0]["stdout"]["text"], "a blob's bytes");
    let targets = [
        format!("/jobs/{id}"),
        format!("/jobs/{id}/events?limit=1000"),
        format!("/jobs/{id}/steps/run/stdout"),
        format!("/jobs/{id}/steps/run/stderr"),
        format!("/jobs/{id}/artifacts/out/zeros"),
        format!("/jobs/{id}/artifacts/out/copy"),
        format!("/blobs/{digest}"),
        "/jobs".to_owned(),
    ];
    let before: Vec<Vec<u8>> = targets.iter().map(|target| body(&mut client, target)).collect();
    let state = daemon.state().clone();
    daemon.kill();
    let next = Daemon::resumed(who, &state, "");
    let mut client = next.client();
    for (target, before) in targets.iter().zip(&before) {
        assert!(body(&mut client, target) == *before, "{target} is not as it was");
    }
    assert_eq!(next.stop().code(), Some(0));
    let last = Daemon::resumed(who, &state, "");
    assert_eq!(last.job(&id), job);
}

/// The sandbox is made while the journal writes that the job was taken in and started, and its program waits for that.
fn before_its_program(who: Who) {
    let daemon = Daemon::start(who, &[]);
    daemon.run(&json!({"command": ["true"]}));
    let locked = daemon.state().locked();
    let mut client = daemon.client();
    let sent =
        std::thread::spawn(move || client.post("/jobs?wait=true", &json!({"command": ["date", "+%s%N"]})));
    // Of the 5 s that the journal waits.
    let held = Duration::from_secs(3);
    std::thread::sleep(held);
    let before = jiff::Timestamp::now().as_nanosecond();
    drop(locked);
    let job = sent.join().expect("answered").json();
    let began: i128 =
        job["steps"][0]["stdout"]["text"].as_str().expect("text").trim().parse().expect("a time");
    assert!(began >= before, "it ran {} ns before it was written", before - began);
    let setup = Duration::from_micros(job["timing"]["setup_us"].as_u64().expect("a number"));
    assert!(setup < held, "the wait is no part of it: {job}");
    let events = daemon.client().get(&format!("/jobs/{}/events", job["id"].as_str().expect("an id"))).json();
    let ready = events["items"].as_array().expect("a list").iter().find(|event| event["type"] == "ready");
    let stood: jiff::Timestamp =
        ready.expect("it stood")["at"].as_str().expect("text").parse().expect("a time");
    assert!(stood.as_nanosecond() < before, "launched only then: {events}");
}

/// Longer than the journal waits for whoever has locked its file.
fn nothing_of_it(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("84{}", daemon.pid());
    daemon.run(&json!({"command": ["true"]}));
    let before = Snapshot::idle(&daemon, &cookie);
    let locked = daemon.state().locked();
    let refused = daemon.client().post("/jobs", &json!({"command": ["sleep", cookie]}));
    assert!(refused.status >= 500, "{}", refused.text());
    assert!(sleeping(&cookie).is_empty(), "it runs and nobody knows");
    drop(locked);
    let listed = daemon.client().get("/jobs").json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(Snapshot::idle(&daemon, &cookie).processes, before.processes);
    daemon.run(&json!({"command": ["true"]}));
}

fn what_a_killed_daemon_was_doing(who: Who) {
    let one_place = "max_running = 1";
    let daemon = Daemon::configured(who, one_place);
    let sleep = |seconds: &str, attempts: u32| json!({"command": ["sleep", seconds], "retry": {"max_attempts": attempts}});
    let running = daemon.submit(&sleep("30", 1));
    let waiting = daemon.submit(&json!({"command": ["true"]}));
    eventually(Duration::from_secs(5), "it runs", || {
        (daemon.job(&running)["status"] == "running").then_some(())
    });
    let state = daemon.state().clone();
    daemon.kill();
    let daemon = Daemon::resumed(who, &state, one_place);
    let lost = daemon.ended(&running);
    assert_eq!((&lost["status"], &lost["cause"]["kind"]), (&json!("lost"), &json!("lost")), "{lost}");
    let went_on = daemon.ended(&waiting);
    assert_eq!((&went_on["status"], &went_on["attempt"]), (&json!("succeeded"), &json!(1)), "{went_on}");
    let again = daemon.submit(&sleep("10", 2));
    eventually(Duration::from_secs(5), "it runs", || {
        (daemon.job(&again)["status"] == "running").then_some(())
    });
    daemon.kill();
    let daemon = Daemon::resumed(who, &state, one_place);
    let retried = daemon.ended(&again);
    assert_eq!((&retried["status"], &retried["attempt"]), (&json!("succeeded"), &json!(2)), "{retried}");
    assert_eq!(
        retried["steps"].as_array().map(Vec::len),
        Some(1),
        "the first attempt's steps are not its own"
    );
    assert_eq!(daemon.job(&running), lost, "once lost, it stays so");
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect()
}

fn pages_over_a_restart(who: Who) {
    const JOBS: usize = 23;
    let mut daemon = Daemon::start(who, &[]);
    let mut sent: Vec<String> = (0..JOBS).map(|_| daemon.submit(&json!({"command": ["true"]}))).collect();
    for id in &sent {
        daemon.ended(id);
    }
    sent.reverse();
    let (mut seen, mut target) = (Vec::new(), "/jobs?limit=5".to_owned());
    loop {
        let page = daemon.client().get(&target).json();
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str().map(String::from) else { break };
        target = format!("/jobs?limit=5&cursor={cursor}");
        // What comes meanwhile is newer, and no part of what is being read.
        daemon.submit(&json!({"command": ["true"]}));
        let state = daemon.state().clone();
        assert_eq!(daemon.stop().code(), Some(0));
        daemon = Daemon::resumed(who, &state, "");
    }
    assert_eq!(seen, sent, "newest first, each once");
    for cursor in ["x", "", "-1", "AAAA", "%ff"] {
        problem(&daemon.client().get(&format!("/jobs?cursor={cursor}")), 400, "invalid_cursor");
    }
}

fn filters(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 1");
    let run = |command: &str, labels: Value| {
        let job = daemon.run(&json!({"command": ["sh", "-c", command], "labels": labels}));
        job["id"].as_str().expect("an id").to_owned()
    };
    let good = run("true", json!({"team": "a", "odd:key": "v"}));
    let bad = run("exit 1", json!({"team": "a", "size": "large"}));
    let other = run("true", json!({"team": "b"}));
    let listed = |query: &str| {
        let answer = daemon.client().get(&format!("/jobs?{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        ids(&answer.json())
    };
    let finds = |query: &str, expected: &[&String]| {
        assert!(listed(query).iter().eq(expected.iter().copied()), "{query}: {:?}", listed(query));
    };
    finds("", &[&other, &bad, &good]);
    finds("status=failed", &[&bad]);
    finds("status=failed,succeeded", &[&other, &bad, &good]);
    finds("status=running", &[]);
    finds("label=team:a", &[&bad, &good]);
    finds("label=team:a,size:large", &[&bad]);
    finds("label=team:a&status=succeeded", &[&good]);
    finds("label=team:c", &[]);
    let created = daemon.job(&bad)["created_at"].as_str().expect("a time").to_owned();
    finds(&format!("created_before={created}"), &[&good]);
    let after = listed(&format!("created_after={created}"));
    assert!(after.contains(&other) && !after.contains(&good), "{after:?}");
    for query in
        ["status=done", "limit=0", "limit=201", "label=team", "created_after=yesterday", "colour=red"]
    {
        problem(&daemon.client().get(&format!("/jobs?{query}")), 400, "invalid_query");
    }
    let page = daemon.client().get("/jobs?status=succeeded&limit=1").json();
    assert_eq!(page["items"][0]["steps"][0]["stdout"]["text"], "", "lists go without outputs");
    let cursor = page["next_cursor"].as_str().expect("there is more");
    finds(&format!("status=succeeded&limit=1&cursor={cursor}"), &[&good]);
}

fn deleted(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let kept = daemon.submit(&json!({"command": ["true"]}));
    let gone = daemon.run(&json!({"command": ["sh", "-c", "echo x > a"], "artifacts": ["a"]}));
    let gone = gone["id"].as_str().expect("an id").to_owned();
    let running = daemon.submit(&json!({"command": ["sleep", "30"]}));
    problem(&client.request("DELETE", &format!("/jobs/{running}"), &[], b""), 409, "job_not_finished");
    let answer = client.request("DELETE", &format!("/jobs/{gone}"), &[], b"");
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.text());
    let is_gone = |client: &mut Client| {
        for place in ["", "/events", "/steps/run/stdout", "/artifacts/a"] {
            problem(&client.get(&format!("/jobs/{gone}{place}")), 404, "job_not_found");
        }
        problem(&client.request("DELETE", &format!("/jobs/{gone}"), &[], b""), 404, "job_not_found");
        assert!(!ids(&client.get("/jobs").json()).contains(&gone));
    };
    is_gone(&mut client);
    assert_eq!(daemon.cancel(&running)["status"], "cancelled");
    assert_eq!(daemon.ended(&kept)["status"], "succeeded");
    let state = daemon.state().clone();
    daemon.kill();
    let daemon = Daemon::resumed(who, &state, "");
    is_gone(&mut daemon.client());
    assert_eq!(daemon.job(&kept)["status"], "succeeded");
}

/// The oldest go first, and the file shrinks with them.
fn old_jobs_make_room(who: Who) {
    const JOBS: usize = 40;
    const MOST: u64 = 2 << 20;
    let daemon = Daemon::start(who, &[]);
    let printing = json!({"command": ["head", "-c", "200000", "/dev/urandom"]});
    let sent: Vec<Value> = (0..JOBS).map(|_| daemon.run(&printing)["id"].clone()).collect();
    let ids: Vec<&str> = sent.iter().filter_map(Value::as_str).collect();
    let state = daemon.state().clone();
    let stopped = daemon.stop();
    assert_eq!(stopped.code(), Some(0), "{stopped}");
    let before = state.bytes();
    let daemon = Daemon::resumed(who, &state, &format!("[retention]\nmax_bytes = {MOST}"));
    let kept = eventually(Duration::from_secs(30), "the journal is within its bound", || {
        let usage = daemon.client().get("/usage").json();
        let number = |field: &str| usage[field].as_u64().expect("a number");
        (number("journal_bytes") <= MOST).then(|| number("jobs"))
    });
    let kept = usize::try_from(kept).expect("a number of jobs");
    assert!((3..JOBS / 2).contains(&kept), "{kept} jobs");
    let (gone, stay) = ids.split_at(JOBS - kept);
    let mut client = daemon.client();
    for id in gone {
        problem(&client.get(&format!("/jobs/{id}")), 404, "job_not_found");
    }
    for id in stay {
        assert_eq!(client.get(&format!("/jobs/{id}")).json()["status"], "succeeded", "the newest stay");
    }
    let shrunk = || (state.bytes() < 4 * MOST).then_some(());
    eventually(Duration::from_secs(30), "the file shrinks", shrunk);
    assert_eq!(daemon.stop().code(), Some(0));
    let after = state.bytes();
    figure(format!(
        "{}: {JOBS} jobs of 200 kB, {} KiB on disk; {kept} kept within {} KiB, {} KiB on disk",
        who.name(),
        before >> 10,
        MOST >> 10,
        after >> 10
    ));
    assert!(after < before && after < 4 * MOST, "{:?}", state.files());
}

fn nothing_new(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let id = daemon.submit(&json!({"command": ["sleep", "6"]}));
    let target = format!("/jobs/{id}");
    eventually(Duration::from_secs(5), "it runs", || (daemon.job(&id)["status"] == "running").then_some(()));
    let tag = |answer: &support::Response| answer.header("etag").expect("a validator").to_owned();
    let running = tag(&client.get(&target));
    let ended = client.get(&format!("{target}?wait=30s"));
    assert_eq!(ended.json()["status"], "succeeded");
    let ended = tag(&ended);
    assert_ne!(running, ended, "another state has another validator");
    for (known, status) in
        [(&ended, 304), (&format!("\"x\", W/{ended}"), 304), (&"*".to_owned(), 304), (&running, 200)]
    {
        let answer = client.request("GET", &target, &[("if-none-match", known)], b"");
        assert_eq!(answer.status, status, "{known}");
        assert_eq!(tag(&answer), ended, "{known}");
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    let state = daemon.state().clone();
    assert_eq!(daemon.stop().code(), Some(0));
    let daemon = Daemon::resumed(who, &state, "");
    let answer = daemon.client().request("GET", &target, &[("if-none-match", &ended)], b"");
    assert_eq!(answer.status, 304, "the same state, whoever answers");
}

fn told_at_its_end(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let id = daemon.submit(&json!({"command": ["sleep", "8"]}));
    let start = Instant::now();
    let early = daemon.client().get(&format!("/jobs/{id}?wait=100ms"));
    assert_eq!(early.json()["status"], "running", "{}", early.text());
    assert!(start.elapsed() < Duration::from_millis(7900), "{:?}", start.elapsed());
    // Many who wait are told at once.
    let told = std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let job = daemon.client().get(&format!("/jobs/{id}?wait=30s")).json();
                    (job["status"].clone(), Instant::now())
                })
            })
            .collect();
        waiting.into_iter().map(|one| one.join().expect("an answer")).collect::<Vec<_>>()
    });
    assert!(told.iter().all(|(status, _)| status == "succeeded"), "{told:?}");
    let times = told.iter().map(|(_, at)| *at);
    let spread = times.clone().max().expect("some") - times.min().expect("some");
    figure(format!(
        "{}: twenty who waited were told within {} ms of each other",
        who.name(),
        spread.as_millis()
    ));
    assert!(spread < Duration::from_secs(1), "{spread:?}");
}
