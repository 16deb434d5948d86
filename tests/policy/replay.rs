//! `policy diff`: what another bundle would have said about jobs that were decided before.

use serde_json::json;
use support::{Case, Daemon, Temp, Who, cases, run};

use crate::kit::policy;
use crate::stage::{builtin, entry};

pub(crate) fn cases() -> Vec<Case> {
    cases![diff_shows_just_what_changes, caps_are_those_of_the_settings]
}

const MIB: u64 = 1 << 20;
const JOBS: u64 = 1000;

fn bundle(max: u64) -> String {
    let settings = format!("settings = {{ on_excess = \"deny\", max = {{ memory_bytes = {max} }} }}");
    builtin("limits", "resource-limits", &format!("grants = [\"patch\"]\n{settings}"))
}

/// 1,000 jobs around two limits: those between them, and no others, change their verdict.
fn diff_shows_just_what_changes(who: Who) {
    let folder = Temp::new();
    std::os::unix::fs::chown(folder.path(), Some(who.uid()), None).expect("an own folder can be given away");
    let before = folder.file("before.toml", bundle(256 * MIB));
    let after = folder.file("after.toml", bundle(128 * MIB));
    let record = folder.path().join("admissions.jsonl");
    let settings = format!("policies = \"{}\"\nadmission_log = \"{}\"", before.display(), record.display());
    let daemon = Daemon::configured(who, &settings);
    let mut client = daemon.client();
    let mut changing = 0;
    for number in 0..JOBS {
        let memory = [64, 127, 128, 129, 200, 256, 257][usize::try_from(number % 7).unwrap_or(0)] * MIB;
        let job = json!({"command": ["true"], "limits": {"memory_bytes": memory}});
        let admitted = client.post("/jobs?wait=true", &job).status == 200;
        assert_eq!(admitted, memory <= 256 * MIB, "{memory}");
        changing += u64::from(admitted && memory > 128 * MIB);
    }
    // A job that is only tried out is none that was decided.
    assert_eq!(client.post("/jobs?dry_run=true", &json!({"command": ["true"]})).status, 200);
    assert!(daemon.stop().success());

    let record = record.to_str().expect("a path of text");
    let told = run(who, &["policy", "diff", record, after.to_str().expect("a path of text")]);
    assert_eq!(told.code, 1, "{told:?}");
    let summary = format!(
        "{JOBS} replayed, {changing} changed: {changing} admit -> deny, 0 deny -> admit, 0 admitted otherwise, 0 denied \
         otherwise"
    );
    assert_eq!(told.text().lines().last(), Some(summary.as_str()), "{told:?}");
    let changed = told.text().lines().filter(|line| line.ends_with("deny limits:limit-too-large")).count();
    assert_eq!(changed as u64, changing, "{told:?}");
    let same = run(who, &["policy", "diff", record, before.to_str().expect("a path of text")]);
    assert_eq!((same.code, same.text().lines().count()), (0, 1), "{same:?}");
}

/// The policy raises what a job may have beyond what this server gives.
fn caps_are_those_of_the_settings(who: Who) {
    let folder = Temp::new();
    std::os::unix::fs::chown(folder.path(), Some(who.uid()), None).expect("an own folder can be given away");
    let raised = (512 * MIB).to_string();
    folder.file("wide.wasm", policy("memory", &[("BYTES", &raised)], &["mutation"]));
    let bundle = folder.file("wide.toml", entry("wide", "wide", "grants = [\"patch\", \"loosen\"]"));
    let record = folder.path().join("admissions.jsonl");
    let settings = format!(
        "policies = \"{}\"\nadmission_log = \"{}\"\n[limits.cap]\nmemory_bytes = {}\n",
        bundle.display(),
        record.display(),
        256 * MIB
    );
    let daemon = Daemon::configured(who, &settings);
    assert_eq!(daemon.client().post("/jobs?wait=true", &json!({"command": ["true"]})).status, 500);
    assert!(daemon.stop().success());

    let settings = folder.file("stockade.toml", settings);
    let text = |path: &std::path::Path| path.to_str().expect("a path of text").to_owned();
    let (record, bundle, settings) = (text(&record), text(&bundle), text(&settings));
    let roomy = run(who, &["policy", "diff", &record, &bundle]);
    assert_eq!(roomy.code, 1, "{roomy:?}");
    assert!(roomy.text().contains("deny wide:hard-cap  admit, patched"), "{roomy:?}");
    let same = run(who, &["policy", "diff", &record, &bundle, "--config", &settings]);
    assert_eq!((same.code, same.text().lines().count()), (0, 1), "{same:?}");
}
