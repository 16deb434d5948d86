use stockade_policy::SettingsError;
use stockade_policy::testing::{self, Job};

use super::TenantQuota;

const MINUTE: u64 = 60_000;

/// `allowed`, or the code, and whether the job may come again.
fn verdict(job: &Job, settings: &str) -> String {
    match testing::validate::<TenantQuota>(job, settings).answer {
        Ok(_) => "allowed".into(),
        Err(denial) if denial.is_retryable() => format!("{}, later", denial.code()),
        Err(denial) => denial.code().into(),
    }
}

#[test]
fn running_and_waiting_jobs_are_limited() {
    let settings = r#"{"default": {"max_running_jobs": 2, "max_queued_jobs": 1}}"#;
    assert_eq!(verdict(&Job::new().running_jobs("default", 1), settings), "allowed");
    assert_eq!(verdict(&Job::new().running_jobs("default", 2), settings), "quota-running-jobs, later");
    assert_eq!(verdict(&Job::new().queued_jobs("default", 1), settings), "quota-queued-jobs, later");
    assert_eq!(verdict(&Job::new().running_jobs("other", 9), settings), "allowed");
}

#[test]
fn memory_counts_with_the_job_itself() {
    let settings = r#"{"default": {"max_reserved_memory_bytes": 1000}}"#;
    let job = Job::new().memory_bytes(400);
    assert_eq!(verdict(&job.clone().reserved_memory_bytes("default", 600), settings), "allowed");
    assert_eq!(verdict(&job.reserved_memory_bytes("default", 601), settings), "quota-memory, later");
    assert_eq!(verdict(&Job::new().memory_bytes(1001), settings), "quota-memory");
    let over = Job::new().memory_bytes(1).reserved_memory_bytes("default", u64::MAX);
    assert_eq!(verdict(&over, settings), "quota-memory, later");
}

#[test]
fn a_listed_tenant_has_its_own_quota_only() {
    let settings = r#"{"default": {"max_running_jobs": 0}, "tenants": {"acme": {"max_queued_jobs": 5}}}"#;
    assert_eq!(verdict(&Job::new(), settings), "quota-running-jobs, later");
    assert_eq!(verdict(&Job::new().tenant("acme").running_jobs("acme", 100), settings), "allowed");
}

#[test]
fn starts_are_counted_and_fade() {
    let settings = r#"{"default": {"max_starts_per_minute": 2}}"#;
    let mut job = Job::new().now_unix_ms(10 * MINUTE);
    for _ in 0..2 {
        assert_eq!(verdict(&job, settings), "allowed");
        job = testing::started::<TenantQuota>(&job, settings).job;
    }
    assert_eq!(verdict(&job, settings), "quota-starts, later");
    // Two in the minute before: one and a bit of them, rounded up, still count a little later.
    assert_eq!(verdict(&job.clone().now_unix_ms(11 * MINUTE + 1000), settings), "quota-starts, later");
    assert_eq!(verdict(&job.clone().now_unix_ms(11 * MINUTE + 30_000), settings), "allowed");
    assert_eq!(verdict(&job.tenant("other"), settings), "allowed");
}

#[test]
fn nothing_is_counted_without_a_limit_on_starts() {
    let run = testing::started::<TenantQuota>(&Job::new(), r#"{"default": {"max_running_jobs": 1}}"#);
    assert!(run.job.kv.is_empty() && run.logs.is_empty());
}

#[test]
fn a_full_memory_is_told_and_a_long_tenant_is_counted() {
    let settings = r#"{"default": {"max_starts_per_minute": 1}}"#;
    let mut full = Job::new();
    full.kv.extend((0..1024).map(|i| (i.to_string(), vec![])));
    assert_eq!(testing::started::<TenantQuota>(&full, settings).logs.len(), 1);
    let long = testing::started::<TenantQuota>(&Job::new().tenant(&"t".repeat(500)), settings);
    assert_eq!((long.job.kv.len(), long.logs.len()), (1, 0));
}

#[test]
fn settings_that_limit_nothing_are_refused() {
    for (settings, pointer) in [
        ("{}", ""),
        (r#"{"default": {}}"#, "/default"),
        (r#"{"default": {}, "tenants": {"a": {}}}"#, "/default"),
        (r#"{"default": {"max_jobs": 1}}"#, "/default/max_jobs"),
        (r#"{"default": {"max_running_jobs": -1}}"#, "/default/max_running_jobs"),
    ] {
        let errors = testing::check::<TenantQuota>(settings);
        assert_eq!(errors.first().map(SettingsError::pointer), Some(pointer), "{settings}");
    }
}
