//! Components that were compiled once, by every toolchain there is an SDK for, and must load and answer alike for ever.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use support::{BUNDLE, Case, Daemon, Needs, Who, cases, figure};

use crate::stage::{decision, denied, job, send};

pub(crate) fn cases() -> Vec<Case> {
    let packed = cases![packed_ones_too].into_iter().map(|case| case.needs(Needs::Program("zstd")));
    cases![they_all_answer_alike].into_iter().chain(packed).collect()
}

/// Also what the component written by hand has built in.
const MOST: u64 = 1 << 30;

fn components(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/corpus");
    let entries = std::fs::read_dir(&folder).expect("the corpus is there");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|own| own == extension));
    all.sort();
    all
}

fn unpacked(path: &Path) -> Vec<u8> {
    let unpacked = Command::new("zstd").args(["--decompress", "--stdout"]).arg(path).output();
    let unpacked = unpacked.expect("zstd runs");
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    unpacked.stdout
}

fn bundle(settings: &str) -> String {
    format!(
        "[[policy]]\nname = \"old\"\nplugin = \"old.wasm\"\ntimeout_ms = 2000\nmemory_bytes = 67108864\n\
         settings = {{ {settings} }}\n"
    )
}

fn they_all_answer_alike(who: Who) {
    let all = components("wasm");
    assert!(all.len() >= 3, "one for each language: {all:?}");
    for path in all {
        answers(who, &path, &std::fs::read(&path).expect("a file of the corpus"));
    }
}

fn packed_ones_too(who: Who) {
    let all = components("zst");
    assert!(!all.is_empty(), "the large ones");
    for path in all {
        answers(who, &path, &unpacked(&path));
    }
}

fn answers(who: Who, path: &Path, wasm: &[u8]) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let start = std::time::Instant::now();
    let daemon =
        Daemon::with_policies(who, &bundle(&format!("max_memory_bytes = {MOST}")), &[("old.wasm", wasm)]);
    let loaded = start.elapsed().as_millis();
    let mut request = job("x");
    request["limits"] = json!({"memory_bytes": MOST});
    let below = daemon.run(&request);
    assert_eq!(below["status"], "succeeded", "{name}: {below}");
    let took = &decision(&below, "old")["duration_us"];
    figure(format!("{}: {name}: loaded in {loaded} ms, asked in {took} us", who.name()));
    request["limits"] = json!({"memory_bytes": MOST + 1});
    let problem = denied(&send(&daemon, &request), 403, "policy_denied");
    let one = decision(&problem, "old");
    assert_eq!(one["code"], "too-much-memory", "{name}: {one}");
    assert_eq!(one["field"], "/steps/0/limits/memory_bytes", "{name}: {one}");
    for settings in ["max_memory_bytes = \"much\"", "max_memory_byte = 1"] {
        daemon.rewrite(BUNDLE, bundle(settings));
        let refused = daemon.client().post("/policies/reload", &json!({}));
        let problem = denied(&refused, 422, "policies_refused");
        assert!(problem["detail"].to_string().contains("settings refused"), "{name}, {settings}: {problem}");
    }
    assert_eq!(
        denied(&send(&daemon, &request), 403, "policy_denied")["policy"][0]["generation"],
        1,
        "{name}"
    );
}
