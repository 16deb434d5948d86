//! Every route, as a client that means well uses it.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        health_and_version,
        capabilities,
        job_ids,
        accepted,
        waiting,
        wait_syntax,
        the_job_as_a_whole,
        keep_alive
    ]
}

fn health_and_version(who: Who) {
    let daemon = Daemon::start(who, &[]);
    assert_eq!(daemon.client().get("/healthz").json(), json!({"status": "ok"}));
    let version = daemon.client().get("/version").json();
    assert_eq!(
        (&version["name"], &version["version"]),
        (&json!("stockade"), &json!(env!("CARGO_PKG_VERSION")))
    );
}

fn capabilities(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let told = daemon.client().get("/capabilities").json();
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a kernel");
    assert_eq!(told["host"]["kernel"], release.trim(), "{told}");
    assert_eq!(told["host"]["architecture"], std::env::consts::ARCH, "{told}");
    let kind = if who.shares_one_id() { "single" } else { "per_slot" };
    assert_eq!(told["host"]["id_map"], kind, "{told}");
    for profile in ["strict", "default", "build"] {
        assert!(told["profiles"].as_array().is_some_and(|all| all.contains(&json!(profile))), "{told}");
        let job = daemon.run(&json!({"command": ["true"], "profile": profile}));
        assert_eq!(job["status"], "succeeded", "{job}");
    }
    for limit in ["memory_bytes", "cpus", "wall_time_ms", "pids", "disk_bytes"] {
        assert!(
            told["default_limits"][limit].as_f64() <= told["limit_caps"][limit].as_f64(),
            "{limit}: {told}"
        );
    }
}

/// One answer for who does not wait, although some of these jobs have ended before it is written: clients keep its threads busy.
fn accepted(who: Who) {
    let daemon = Daemon::configured(who, "max_queued = 1000");
    let job = json!({"command": ["true"]});
    let client = || {
        let mut client = daemon.client();
        let answers = (0..100).map(|_| client.post("/jobs", &job));
        answers.filter(|answer| answer.status != 202).map(|answer| answer.text()).collect::<Vec<_>>()
    };
    let others: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect()
    });
    assert_eq!(others, [""; 0]);
}

fn job_ids(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let answer = client.post("/jobs", &json!({"command": ["true"], "labels": {"team": "ci"}}));
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.header("location"), Some(format!("/jobs/{id}").as_str()));
    let job = client.get(&format!("/jobs/{id}?wait=true")).json();
    assert_eq!((&job["id"], &job["labels"]), (&json!(id), &json!({"team": "ci"})), "{job}");
    let other = client.post("/jobs", &json!({"command": ["true"]})).json()["id"].clone();
    assert!(other.as_str() > Some(&id), "ids sort by their time: {id}, {other}");
    for id in [
        "x",
        "01a1fbe5-6205-7141-b220-2903b61ded08",
        "..%2f..%2fetc",
        "%ff",
        &id[1..],
        "00000000-0000-0000-0000-000000000000",
    ] {
        problem(&client.get(&format!("/jobs/{id}")), 404, "job_not_found");
        problem(&client.request("POST", &format!("/jobs/{id}/cancel"), &[], b""), 404, "job_not_found");
        problem(&client.get(&format!("/jobs/{id}/artifacts/a")), 404, "job_not_found");
    }
    problem(&client.get(&format!("/jobs/{id}/artifacts/none")), 404, "artifact_not_found");
    // After the end an order changes nothing.
    assert_eq!(client.request("POST", &format!("/jobs/{id}/cancel"), &[], b"").json()["status"], "succeeded");
}

fn waiting(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let slow = |seconds: &str| json!({"command": ["sleep", seconds]});
    let start = Instant::now();
    let answer = daemon.client().post("/jobs?wait=50ms", &slow("8"));
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!((50..7500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(daemon.client().get(&format!("/jobs/{id}?wait=1ms")).json()["status"], "running");
    let job = daemon.client().get(&format!("/jobs/{id}?wait=40s")).json();
    assert_eq!(job["status"], "succeeded", "{job}");
    assert!(start.elapsed() < Duration::from_secs(25), "a wait ends with the job: {:?}", start.elapsed());
    assert_eq!(daemon.client().post("/jobs?wait=false", &slow("0.5")).status, 202);
    assert_eq!(daemon.client().post("/jobs?wait=1m", &slow("0.5")).status, 200);
}

fn wait_syntax(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = json!({"command": ["true"]});
    for query in [
        "wait=yes",
        "wait=",
        "wait=10",
        "wait=-1s",
        "wait=1h",
        "wait=1.5s",
        "wait=%00",
        "wait=true&wait=false",
        "dry_run=maybe",
        "x=1",
        "wait=99999999999999999999s",
    ] {
        problem(&daemon.client().post(&format!("/jobs?{query}"), &job), 400, "invalid_query");
    }
}

fn the_job_as_a_whole(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = daemon.run(&json!({"command": ["sh", "-c", "echo 42; echo no >&2"]}));
    let keys = |value: &Value| {
        value.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(
        keys(&job),
        [
            "artifacts",
            "attempt",
            "cause",
            "created_at",
            "finished_at",
            "id",
            "isolation",
            "labels",
            "policy",
            "priority",
            "started_at",
            "status",
            "steps",
            "tenant",
            "timing"
        ]
    );
    let step = &job["steps"][0];
    assert_eq!(keys(step), ["cause", "exit_code", "name", "signal", "status", "stderr", "stdout", "usage"]);
    assert_eq!(step["stdout"], json!({"text": "42\n", "encoding": "utf-8", "bytes": 3, "truncated": false}));
    assert_eq!(step["stderr"], json!({"text": "no\n", "encoding": "utf-8", "bytes": 3, "truncated": false}));
    assert_eq!((&step["name"], &step["cause"], &job["cause"]), (&json!("run"), &Value::Null, &Value::Null));
    for figure in [
        "cpu_time_us",
        "user_us",
        "system_us",
        "wall_time_us",
        "memory_peak_bytes",
        "pids_peak",
        "disk_bytes",
    ] {
        assert!(step["usage"][figure].is_u64(), "{figure}: {step}");
    }
    let time = |name: &str| {
        let text = job[name].as_str().filter(|text| text.ends_with('Z')).expect("a time in UTC");
        text.parse::<jiff::Timestamp>().expect("RFC 3339")
    };
    assert!(time("created_at") <= time("started_at") && time("started_at") <= time("finished_at"), "{job}");
    assert!(
        job["timing"]["run_us"].as_u64() > Some(0) && job["timing"]["setup_us"].as_u64() > Some(0),
        "{job}"
    );
}

fn keep_alive(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    for number in 0..20 {
        let job = client.post("/jobs?wait=true", &json!({"command": ["echo", number.to_string()]})).json();
        assert_eq!(job["steps"][0]["stdout"]["text"], format!("{number}\n"), "{job}");
        assert_eq!(client.get("/nothing").status, 404);
    }
}
