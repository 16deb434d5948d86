use stockade_policy::testing::{self, Container, Job, Outcome};
use stockade_policy::{Additions, SettingsError};

use super::{AuditLog, counter};

fn annotation<'a>(additions: &'a Additions, key: &str) -> Option<&'a str> {
    additions.annotations().iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str())
}

#[test]
fn a_start_is_noted_and_counted() {
    let container =
        Container { host_uid: 2_000_000_001, degraded: vec!["cgroup".into()], ..Container::default() };
    let job = Job::new().tenant("acme").label("team", "red").container(container);
    let run = testing::started::<AuditLog>(&job, r#"{"labels": ["team", "none"], "log": true}"#);
    let noted = |key| annotation(&run.answer, key);
    assert_eq!((noted("audit.tenant"), noted("audit.submitter")), (Some("acme"), Some("local")));
    assert_eq!((noted("audit.host_uid"), noted("audit.degraded")), (Some("2000000001"), Some("cgroup")));
    assert_eq!((noted("audit.label.team"), noted("audit.label.none")), (Some("red"), Some("")));
    assert_eq!(noted("audit.image"), Some("host"));
    assert_eq!((run.metric("started"), run.metric("started_degraded")), (1, 1));
    assert_eq!(run.logs.len(), 1);
}

#[test]
fn the_digest_is_noted_where_there_is_one() {
    let job = Job::new().image("python:3.13").image_digest("sha256:00");
    let run = testing::started::<AuditLog>(&job, "{}");
    assert_eq!(annotation(&run.answer, "audit.image"), Some("sha256:00"));
    assert!(run.logs.is_empty() && run.metric("started_degraded") == 0);
}

#[test]
fn an_end_is_noted_and_counted() {
    let outcome = Outcome {
        status: "timed_out".into(),
        cause: Some("limit".into()),
        signal: Some("SIGKILL".into()),
        wall_time_us: 1_500_000,
        cpu_time_us: 20_999,
        memory_peak_bytes: 4096,
        ..Outcome::default()
    };
    let run = testing::exited::<AuditLog>(&Job::new().outcome(outcome), "{}");
    let noted = |key| annotation(&run.answer, key);
    assert_eq!((noted("audit.status"), noted("audit.cause")), (Some("timed_out"), Some("limit")));
    assert_eq!((noted("audit.signal"), noted("audit.exit_code")), (Some("SIGKILL"), None));
    assert_eq!((noted("audit.cpu_time_us"), noted("audit.memory_peak_bytes")), (Some("20999"), Some("4096")));
    let counted = ["exited", "exited_timed_out", "cpu_time_ms", "wall_time_ms"].map(|name| run.metric(name));
    assert_eq!(counted, [1, 1, 20, 1500]);
}

#[test]
fn every_counter_is_declared() {
    let declared = include_str!("policy.toml");
    for status in [
        "succeeded",
        "failed",
        "signaled",
        "timed_out",
        "memory_exceeded",
        "output_exceeded",
        "disk_exceeded",
        "security_violation",
        "cancelled",
        "internal_error",
        "something_new",
    ] {
        assert!(declared.contains(&format!("\"{}\"", counter(status))), "{status}");
    }
}

#[test]
fn settings_are_checked() {
    assert!(testing::check::<AuditLog>("{}").is_empty());
    let many = format!(r#"{{"labels": [{}]}}"#, vec!["\"a\""; 17].join(","));
    assert_eq!(testing::check::<AuditLog>(&many).first().map(SettingsError::pointer), Some("/labels"));
    assert_eq!(
        testing::check::<AuditLog>(r#"{"lables": []}"#).first().map(SettingsError::pointer),
        Some("/lables")
    );
}
