use serde_json::json;

use super::*;

fn job() -> Job {
    let output =
        |bytes: u64| json!({"text": "", "encoding": "utf-8", "bytes": bytes, "truncated": bytes > 1024});
    let usage = json!({
        "cpu_time_us": 1200, "user_us": null, "system_us": null, "wall_time_us": 2_500_000, "memory_peak_bytes": 1 << 20,
        "pids_peak": 1, "throttled_us": null, "disk_bytes": null,
    });
    let cause = json!({"kind": "output", "detail": "byte 3: expected 1\u{1b}[31m, got 2"});
    let case = |name: String, status: &str| {
        json!({
            "name": name, "status": status, "exit_code": 0, "signal": null, "cause": cause, "stdout": output(0),
            "stderr": output(0), "usage": usage,
        })
    };
    let mut cases = vec![case("good".into(), "succeeded")];
    cases.extend((0..CASES + 2).map(|number| case(format!("bad-{number}"), "wrong_output")));
    let step = |name: &str, cases: Vec<serde_json::Value>| {
        json!({
            "name": name, "status": "wrong_output", "exit_code": null, "signal": null, "cause": null,
            "stdout": output(2048), "stderr": output(10), "usage": usage, "cases": cases,
        })
    };
    let job = json!({
        "id": "01990000-0000-7000-8000-000000000000", "status": "wrong_output", "tenant": "ci", "labels": {"team": "a"},
        "created_at": "2026-01-01T00:00:00Z", "started_at": null, "finished_at": "2026-01-01T00:00:03Z", "artifacts": [],
        "cause": {"kind": "limit", "detail": "too much", "limit": "memory_bytes", "observed": 11, "allowed": 10, "step": "test"},
        "steps": [step("build", Vec::new()), step("test", cases)], "isolation": null,
        "timing": {"admit_us": 0, "queue_us": 1500, "setup_us": 0, "run_us": 0, "collect_us": 0},
    });
    serde_json::from_value(job).expect("a job")
}

fn lines() -> Vec<String> {
    let now = "2026-01-01T02:00:00Z".parse().expect("a time");
    summary(&job(), now).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn what_matters_is_told() {
    let lines = lines();
    for line in [
        "status wrong_output",
        "cause step test: too much (memory_bytes: 11 of 10)",
        "label team=a",
        "submitted 2026-01-01T00:00:00Z (2h ago)",
        "time admission 0 us, queue 1.5 ms, sandbox 0 us, run 0 us, artifacts 0 us",
        "build wrong_output - 2.5 s 1.2 ms 1.0 MiB 2.0 KiB (cut) 10 B",
        "test wrong_output - 2.5 s 1.2 ms 1.0 MiB 2.0 KiB (cut) 10 B 1 of 23 succeeded",
    ] {
        assert!(lines.iter().any(|known| known == line), "{line}: {lines:#?}");
    }
}

#[test]
fn cases_that_did_not_succeed_are_named_and_no_others() {
    let lines = lines();
    let named: Vec<_> = lines.iter().filter(|line| line.starts_with("test/")).collect();
    assert_eq!(named.len(), CASES, "{lines:#?}");
    assert_eq!(named[0], "test/bad-0 wrong_output byte 3: expected 1\u{fffd}[31m, got 2");
    assert_eq!(lines.last().map(String::as_str), Some("and 2 more"));
}
