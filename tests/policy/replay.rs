//! `policy diff`: what another bundle would have said about jobs that were decided before.

use std::path::Path;

use serde_json::{Value, json};
use support::{Case, Daemon, Temp, Who, cases, run};

use crate::kit::policy;
use crate::stage::{builtin, entry};

pub(crate) fn cases() -> Vec<Case> {
    cases![diff_shows_just_what_changes, caps_are_those_of_the_settings]
}

const MIB: u64 = 1 << 20;
const JOBS: usize = 1000;

fn bundle(max: u64) -> String {
    let settings = format!("settings = {{ on_excess = \"deny\", max = {{ memory_bytes = {max} }} }}");
    builtin("limits", "resource-limits", &format!("grants = [\"patch\"]\n{settings}"))
}

/// 1,000 jobs around three limits: those between two of them, and no others, change their verdict.
fn diff_shows_just_what_changes(who: Who) {
    let folder = Temp::new();
    std::os::unix::fs::chown(folder.path(), Some(who.uid()), None).expect("an own folder can be given away");
    let bundles = [128, 256, 512].map(|max| text(&folder.file(&format!("{max}.toml"), bundle(max * MIB))));
    let [narrow, usual, wide] = &bundles;
    let record = text(&folder.path().join("admissions.jsonl"));
    let daemon = Daemon::configured(who, &format!("policies = \"{usual}\"\nadmission_log = \"{record}\""));
    let mut client = daemon.client();
    for number in 0..JOBS {
        let memory = [64, 127, 128, 129, 200, 256, 257][number % 7] * MIB;
        let job = json!({"command": ["true"], "limits": {"memory_bytes": memory}});
        let admitted = client.post("/jobs?wait=true", &job).status == 200;
        assert_eq!(admitted, memory <= 256 * MIB, "{memory}");
    }
    // A job that is only tried out is none that was decided.
    assert_eq!(client.post("/jobs?dry_run=true", &json!({"command": ["true"]})).status, 200);
    assert!(daemon.stop().success());

    let recorded = std::fs::read_to_string(&record).expect("a record");
    let asked = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let bytes = line["job"]["steps"][0]["limits"]["memory_bytes"].as_u64().expect("bytes");
        (line["about"]["id"].clone(), bytes)
    };
    let recorded: Vec<(Value, u64)> = recorded.lines().map(asked).collect();
    assert_eq!(recorded.len(), JOBS);
    let between = |least: u64, most: u64| -> Vec<&Value> {
        recorded
            .iter()
            .filter(|(_, bytes)| (least * MIB + 1..=most * MIB).contains(bytes))
            .map(|(id, _)| id)
            .collect()
    };
    changes(who, &record, narrow, &between(128, 256), "admit -> deny");
    changes(who, &record, usual, &[], "admit -> deny");
    changes(who, &record, wide, &between(256, 512), "deny -> admit");
}

/// These jobs and no others would be decided otherwise, and in this way.
fn changes(who: Who, record: &str, bundle: &str, jobs: &[&Value], way: &str) {
    let told = run(who, &["policy", "diff", record, bundle]);
    assert_eq!(told.code, i32::from(!jobs.is_empty()), "{told:?}");
    let summary = told.text().lines().last().expect("a summary").to_owned();
    assert!(summary.starts_with(&format!("{JOBS} replayed, {} changed: ", jobs.len())), "{summary}");
    assert!(summary.contains(&format!("{} {way}", jobs.len())), "{summary}");
    let told = run(who, &["policy", "diff", record, bundle, "--json"]).json();
    let changed: Vec<&Value> =
        told["changed"].as_array().expect("a list").iter().map(|one| &one["id"]).collect();
    assert_eq!(changed, jobs);
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of text").to_owned()
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
    let (record, bundle, settings) = (text(&record), text(&bundle), text(&settings));
    let roomy = run(who, &["policy", "diff", &record, &bundle]);
    assert_eq!(roomy.code, 1, "{roomy:?}");
    assert!(roomy.text().contains("deny wide:hard-cap  admit, patched"), "{roomy:?}");
    let same = run(who, &["policy", "diff", &record, &bundle, "--config", &settings]);
    assert_eq!((same.code, same.text().lines().count()), (0, 1), "{same:?}");
}
