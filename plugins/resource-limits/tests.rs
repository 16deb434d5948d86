use stockade_policy::prelude::*;
use stockade_policy::testing::{self, Job, Patch};

use super::ResourceLimits;

const GIB: u64 = 1 << 30;

#[test]
fn a_job_above_is_lowered_and_told() {
    let job = Job::new().memory_bytes(2 * GIB).step("second");
    let run = testing::mutate_twice::<ResourceLimits>(
        &job,
        r#"{"max": {"memory_bytes": 1073741824, "pids": 500}}"#,
    );
    assert_eq!(run.patches, [Patch::new("memory-bytes", "1073741824")]);
    assert_eq!(run.allowed().warnings(), ["memory_bytes lowered from 2147483648 to 1073741824"]);
    assert!(run.job.steps.iter().all(|step| step.limits[&Limit::MemoryBytes] == GIB));
    testing::validate::<ResourceLimits>(&run.job, r#"{"max": {"memory_bytes": 1073741824}}"#).allowed();
}

#[test]
fn a_job_at_the_limit_is_left_alone() {
    let run = testing::mutate::<ResourceLimits>(
        &Job::new().memory_bytes(GIB),
        r#"{"max": {"memory_bytes": 1073741824}}"#,
    );
    assert!(run.patches.is_empty() && run.allowed().warnings().is_empty());
}

#[test]
fn every_limit_has_its_cap() {
    for limit in Limit::ALL {
        let key = if limit == Limit::CpuMillis { "cpu_millis" } else { limit.name() };
        let settings = format!(r#"{{"max": {{"{key}": 7}}}}"#);
        let lowered = testing::mutate_twice::<ResourceLimits>(&Job::new(), &settings);
        assert_eq!(lowered.patches.len(), 1, "{limit}");
        assert_eq!(lowered.patches[0].value, "7", "{limit}");
        let denied = testing::validate::<ResourceLimits>(&Job::new(), &settings);
        let pointer = if limit == Limit::DiskBytes {
            "/limits/disk_bytes".into()
        } else {
            format!("/steps/0/limits/{limit}")
        };
        assert_eq!(
            (denied.denial().code(), denied.denial().pointer()),
            ("limit-too-large", Some(pointer.as_str()))
        );
    }
}

#[test]
fn deny_lowers_nothing() {
    let settings = r#"{"max": {"cpu_millis": 500}, "on_excess": "deny"}"#;
    assert!(testing::mutate::<ResourceLimits>(&Job::new(), settings).patches.is_empty());
    let run = testing::validate::<ResourceLimits>(&Job::new(), settings);
    assert_eq!(run.denial().message(), "step `run`: cpus 1000 is above the 500 thousandths of this server");
}

#[test]
fn the_step_that_is_above_is_named() {
    let mut job = Job::new().step("big");
    job.steps[1].limits.insert(Limit::Pids, 4096);
    let run = testing::validate::<ResourceLimits>(&job, r#"{"max": {"pids": 1024}}"#);
    assert_eq!(run.denial().pointer(), Some("/steps/1/limits/pids"));
}

#[test]
fn a_tenants_figure_counts_in_place_of_the_general_one() {
    let settings =
        r#"{"max": {"memory_bytes": 1024, "pids": 8}, "tenants": {"acme": {"memory_bytes": 4096}}}"#;
    let of = |tenant: &str| {
        let run = testing::mutate::<ResourceLimits>(&Job::new().tenant(tenant), settings);
        (run.patch("memory-bytes").map(str::to_owned), run.patch("pids").map(str::to_owned))
    };
    assert_eq!(of("acme"), (Some("4096".into()), Some("8".into())));
    assert_eq!(of("other"), (Some("1024".into()), Some("8".into())));
}

#[test]
fn a_conflict_denies() {
    let job = Job::new().owned("memory-bytes");
    let run = testing::mutate::<ResourceLimits>(&job, r#"{"max": {"memory_bytes": 1024}}"#);
    assert_eq!(run.denial().code(), "patch-conflict");
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (settings, pointer) in [
        ("{}", "/max"),
        (r#"{"max": {"pids": 0}}"#, "/max/pids"),
        (r#"{"max": {"memory": 1}}"#, "/max/memory"),
        (r#"{"max": {"memory_bytes": "1g"}}"#, "/max/memory_bytes"),
        (r#"{"tenants": {"a": {"cpu_millis": 0}}}"#, "/tenants/a/cpu_millis"),
        (r#"{"max": {"pids": 1}, "on_excess": "kill"}"#, "/on_excess"),
    ] {
        let errors = testing::check::<ResourceLimits>(settings);
        assert_eq!(errors.first().map(SettingsError::pointer), Some(pointer), "{settings}");
    }
}
