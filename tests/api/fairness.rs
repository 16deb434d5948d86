//! Tenants beside each other, and what each may have.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use support::{Case, Client, Daemon, State, Who, cases, eventually, figure, token};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    let alone = cases![one_floods].into_iter().map(Case::alone);
    let others = cases![
        running_at_once,
        waiting_at_most,
        so_many_a_minute,
        higher_goes_first,
        waited_too_long,
        never_fits,
        used_and_allowed
    ];
    alone.chain(others).collect()
}

/// A daemon of two tenants, with a client for each.
struct Two {
    daemon: Daemon,
    first: Client,
    second: Client,
}

impl Two {
    fn new(who: Who, toml: &str) -> Self {
        let state = State::new(who);
        let tokens = ["first", "second"].map(|tenant| token(who, &state, tenant, "submit,read"));
        let daemon = Daemon::resumed(who, &state, toml);
        let [first, second] = tokens.map(|token| daemon.client().bearing(&token));
        Self { daemon, first, second }
    }
}

fn sleep(seconds: &str) -> Value {
    json!({"command": ["sleep", seconds]})
}

fn submit(client: &mut Client, request: &Value) -> String {
    let answer = client.post("/jobs", request);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

fn ended(client: &mut Client, id: &str) -> Value {
    let job = client.get(&format!("/jobs/{id}?wait=60s")).json();
    assert!(job["finished_at"].is_string(), "{job}");
    job
}

fn cancel(client: &mut Client, id: &str) {
    assert_eq!(client.request("POST", &format!("/jobs/{id}/cancel"), &[], b"").status, 202);
}

fn at(job: &Value, field: &str) -> Timestamp {
    job[field].as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {field}: {job}"))
}

/// From the start of one to that of the other.
fn apart(one: &Value, other: &Value) -> Duration {
    at(other, "started_at").duration_since(at(one, "started_at")).unsigned_abs()
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

/// How long each of some jobs took, sent one by one by somebody who waits for each.
fn one_by_one(client: &mut Client, jobs: usize) -> Vec<Duration> {
    let one = |_| {
        let start = Instant::now();
        let answer = client.post("/jobs?wait=true", &sleep("0.03"));
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!("succeeded")),
            "{}",
            answer.text()
        );
        start.elapsed()
    };
    (0..jobs).map(one).collect()
}

fn one_floods(who: Who) {
    const FLOOD: usize = 500;
    const JOBS: usize = 25;
    let mut two = Two::new(who, "max_running = 2\nmax_queued = 1000\nlog = \"warn\"");
    one_by_one(&mut two.second, 3);
    let alone = median(one_by_one(&mut two.second, JOBS));
    let flood: Vec<String> = (0..FLOOD).map(|_| submit(&mut two.first, &sleep("0.03"))).collect();
    let beside = median(one_by_one(&mut two.second, JOBS));
    let waiting = two.first.get("/usage").json()["queued"].as_u64().expect("a number");
    assert!(waiting > 0, "the flood went on all the time");
    let lengths = flood.iter().take(20).map(|id| {
        let job = ended(&mut two.first, id);
        Duration::try_from(at(&job, "finished_at").duration_since(at(&job, "started_at"))).expect("a time")
    });
    let length = median(lengths.collect());
    // What the flood does to the other's wait: at most as long as it takes until one of its jobs ends.
    figure(format!(
        "{}: median time of a job alone {:.1} ms, beside {FLOOD} of another tenant {:.1} ms, of whom {waiting} still waited; \
         one of those takes {:.1} ms; the bound is {:.1} ms",
        who.name(),
        millis(alone),
        millis(beside),
        millis(length),
        millis(2 * alone + length)
    ));
    assert!(
        beside <= 2 * alone + length,
        "{alone:?} alone, {beside:?} beside the flood, of jobs of {length:?}"
    );
    // Those that wait would go on at a next start; there is none.
    assert_eq!(two.daemon.stop().code(), Some(0));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// More than a tenant may run waits, though there are places; others take them.
fn running_at_once(who: Who) {
    let mut two = Two::new(who, "max_running = 4\n[tenants.first]\nmax_running = 1");
    let first: Vec<String> = (0..3).map(|_| submit(&mut two.first, &sleep("2"))).collect();
    let second: Vec<String> = (0..2).map(|_| submit(&mut two.second, &sleep("0"))).collect();
    let mut jobs: Vec<Value> = first.iter().map(|id| ended(&mut two.first, id)).collect();
    jobs.sort_by_key(|job| at(job, "started_at"));
    for pair in jobs.windows(2) {
        assert!(apart(&pair[0], &pair[1]) >= Duration::from_secs(2), "one at a time: {pair:?}");
    }
    let last = at(&jobs[2], "started_at");
    for id in second {
        let job = ended(&mut two.second, &id);
        assert!(at(&job, "started_at") < last, "the other tenant did not wait: {job}");
    }
}

fn refused_by_quota(answer: &support::Response) -> u64 {
    problem(answer, 429, "quota_exceeded");
    let after = answer.header("retry-after").and_then(|text| text.parse().ok()).expect("whole seconds");
    // A minute, and rather a second too many than one too few.
    assert!((1..=61).contains(&after), "{after}");
    after
}

fn waiting_at_most(who: Who) {
    let mut two = Two::new(who, "max_running = 1\n[tenants.first]\nmax_queued = 2");
    let ids: Vec<String> = (0..3).map(|_| submit(&mut two.first, &sleep("30"))).collect();
    for _ in 0..3 {
        refused_by_quota(&two.first.post("/jobs", &sleep("30")));
    }
    // It is this tenant's quota, and nobody else's.
    let other = submit(&mut two.second, &sleep("0"));
    cancel(&mut two.first, &ids[1]);
    ended(&mut two.first, &ids[1]);
    let next = submit(&mut two.first, &sleep("0"));
    for id in [&ids[0], &ids[2]] {
        cancel(&mut two.first, id);
    }
    assert_eq!(ended(&mut two.first, &next)["status"], "succeeded");
    assert_eq!(ended(&mut two.second, &other)["status"], "succeeded");
}

fn so_many_a_minute(who: Who) {
    let mut two = Two::new(who, "[tenants.first]\nmax_per_minute = 3");
    for _ in 0..3 {
        submit(&mut two.first, &sleep("0"));
    }
    let after = refused_by_quota(&two.first.post("/jobs?wait=true", &sleep("0")));
    assert!(after > 30, "the first of them was just now: {after} s");
    for _ in 0..5 {
        submit(&mut two.second, &sleep("0"));
    }
}

fn higher_goes_first(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 1");
    let mut client = daemon.client();
    let holding = submit(&mut client, &sleep("30"));
    eventually(Duration::from_secs(5), "it runs", || {
        (daemon.job(&holding)["status"] == "running").then_some(())
    });
    let sent = [0, -5, 100, 3, 100, -100, 3, 0];
    let send =
        |priority: &i32| submit(&mut daemon.client(), &json!({"command": ["true"], "priority": priority}));
    let ids: Vec<String> = sent.iter().map(send).collect();
    cancel(&mut client, &holding);
    let mut jobs: Vec<(Timestamp, usize)> = ids
        .iter()
        .enumerate()
        .map(|(place, id)| (at(&ended(&mut client, id), "started_at"), place))
        .collect();
    jobs.sort_unstable();
    let order: Vec<usize> = jobs.into_iter().map(|(_, place)| place).collect();
    let mut expected: Vec<usize> = (0..sent.len()).collect();
    expected.sort_by_key(|place| -sent[*place]);
    assert_eq!(order, expected, "higher first, and among equals the one that came first");
}

fn waited_too_long(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 1");
    let mut client = daemon.client();
    let holding = submit(&mut client, &sleep("30"));
    let start = Instant::now();
    let hasty = submit(&mut client, &json!({"command": ["true"], "queue_timeout_ms": 300}));
    let patient = submit(&mut client, &json!({"command": ["true"], "queue_timeout_ms": 60_000}));
    let expired = ended(&mut client, &hasty);
    let waited = start.elapsed();
    assert_eq!(
        (&expired["status"], &expired["cause"]["kind"]),
        (&json!("expired"), &json!("queue")),
        "{expired}"
    );
    assert_eq!((&expired["started_at"], &expired["attempt"]), (&Value::Null, &json!(0)), "{expired}");
    assert_eq!(expired["steps"][0]["status"], "skipped", "{expired}");
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
    figure(format!("{}: `queue_timeout_ms` of 300 was over after {} ms", who.name(), waited.as_millis()));
    cancel(&mut client, &holding);
    assert_eq!(ended(&mut client, &patient)["status"], "succeeded");
    // Also where its time is over while nobody looks: the next daemon knows.
    let state = daemon.state().clone();
    submit(&mut client, &sleep("30"));
    let late = submit(&mut client, &json!({"command": ["true"], "queue_timeout_ms": 400}));
    daemon.kill();
    std::thread::sleep(Duration::from_millis(500));
    let daemon = Daemon::resumed(who, &state, "max_running = 1");
    assert_eq!(daemon.ended(&late)["status"], "expired");
}

fn never_fits(who: Who) {
    let daemon =
        Daemon::configured(who, "memory_bytes = 268435456\n[limits.default]\nmemory_bytes = 67108864");
    let big = json!({"command": ["true"], "limits": {"memory_bytes": 512 << 20}});
    let answer = daemon.client().post("/jobs", &big);
    let places = problem(&answer, 422, "invalid_job");
    assert!(places.iter().all(|place| place.contains("memory_bytes")), "{}", answer.text());
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded");
    // What fits only by itself waits until it is alone.
    let half = json!({"command": ["sleep", "0.4"], "limits": {"memory_bytes": 160 << 20}});
    let mut client = daemon.client();
    let ids = [submit(&mut client, &half), submit(&mut client, &half)];
    let jobs = ids.map(|id| ended(&mut client, &id));
    assert!(apart(&jobs[0], &jobs[1]) >= Duration::from_millis(400), "{jobs:?}");
}

fn used_and_allowed(who: Who) {
    let mut two =
        Two::new(who, "max_running = 1\n[tenants.first]\nmax_running = 3\nmax_queued = 7\nweight = 2");
    let ids = [submit(&mut two.first, &sleep("30")), submit(&mut two.first, &sleep("30"))];
    let usage = eventually(Duration::from_secs(5), "one runs and one waits", || {
        let usage = two.first.get("/usage").json();
        (usage["running"] == 1 && usage["queued"] == 1).then_some(usage)
    });
    assert_eq!(usage["tenant"], "first", "{usage}");
    assert!(
        usage["reserved_memory_bytes"].as_u64() > Some(0) && usage["reserved_cpus"].as_f64() > Some(0.0),
        "{usage}"
    );
    assert_eq!(
        usage["quota"],
        json!({"max_running": 3, "max_queued": 7, "max_per_minute": null, "weight": 2}),
        "{usage}"
    );
    let other = two.second.get("/usage").json();
    assert_eq!(
        (&other["tenant"], &other["running"], &other["queued"]),
        (&json!("second"), &json!(0), &json!(0))
    );
    problem(&two.second.get("/usage?tenant=first"), 403, "forbidden");
    for id in &ids {
        problem(&two.second.get(&format!("/jobs/{id}")), 404, "job_not_found");
        cancel(&mut two.first, id);
    }
    for id in &ids {
        assert_eq!(ended(&mut two.first, id)["status"], "cancelled");
    }
}
