//! Components that were compiled once, by every toolchain there is an SDK for, and must load and answer alike for ever.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use support::archive::sha256;
use support::{BUNDLE, Case, Daemon, State, Temp, Who, cases, figure, stockade};

use crate::stage::{decision, denied, job, send};

pub(crate) fn cases() -> Vec<Case> {
    // What is answered does not depend on who asks, and a large one is compiled for a while.
    let told = cases![all_are_as_listed, all_pass_the_cases].into_iter().map(|case| case.only(&[Who::User]));
    told.chain(cases![they_all_answer_alike, packed_ones_too]).collect()
}

/// Also what the component written by hand has built in.
const MOST: u64 = 1 << 30;
/// One for each language, and one by hand.
const LEAST: usize = 4;
/// Of all of them, as `policy test` wants to know it.
const NAME: &str = "memory-cap";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/corpus")
}

fn components(extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the corpus is there");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|own| own == extension));
    all.sort();
    all
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a file of the corpus")
}

/// Without the program this fails: a component that nobody tried is none that still loads.
fn unpacked(path: &Path) -> Vec<u8> {
    let unpacked = Command::new("zstd").args(["--decompress", "--stdout"]).arg(path).output();
    let unpacked = unpacked.unwrap_or_else(|error| panic!("zstd (Debian: zstd) does not run: {error}"));
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    unpacked.stdout
}

/// All of them, ready to be loaded.
fn all() -> Vec<(String, Vec<u8>)> {
    let plain = components("wasm").into_iter().map(|path| (name(&path), read(&path)));
    let packed = components("zst").into_iter().map(|path| (name(&path.with_extension("")), unpacked(&path)));
    let all: Vec<_> = plain.chain(packed).collect();
    assert!(all.len() >= LEAST, "{:?}", all.iter().map(|(name, _)| name).collect::<Vec<_>>());
    all
}

/// A file that was made anew, one that nobody listed and one that is gone are all the same breach.
fn all_are_as_listed(_who: Who) {
    let text = std::fs::read_to_string(folder().join("README.md")).expect("the list");
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    let digests = lines.filter(|(digest, _)| digest.len() == 64 && !digest.contains(' '));
    let listed: BTreeMap<String, String> =
        digests.map(|(digest, name)| (name.to_owned(), digest.to_owned())).collect();
    let packed = components("zst").into_iter().map(|path| (name(&path), read(&path)));
    let there: BTreeMap<String, String> =
        all().into_iter().chain(packed).map(|(name, bytes)| (name, sha256(&bytes))).collect();
    assert_eq!(there, listed, "what is there, and what the README of the corpus lists");
}

/// `cases.toml` is the definition of what must go on working, so it is asked whole.
fn all_pass_the_cases(who: Who) {
    let cases = std::fs::read_to_string(folder().join("cases.toml")).expect("the cases");
    let passed = format!("\n{} passed, 0 failed", cases.matches("[[case]]\n").count());
    // Not the user's own, and one for all cases of a component: each of them loads it anew.
    let cache = State::new(who);
    for (name, wasm) in all() {
        let project = Temp::new();
        let about =
            format!("name = {NAME:?}\nversion = \"0.1.0\"\ndescription = \"Kept.\"\nlanguage = \"rust\"\n");
        project.file("policy.toml", about);
        project.file("cases.toml", &cases);
        project.file(&format!("{NAME}.wasm"), wasm);
        let mut command = who.command(stockade());
        command.args(["policy", "test"]).arg(project.path()).env("XDG_CACHE_HOME", cache.path());
        let ran = command.output().expect("the binary runs");
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(ran.status.success() && said.contains(&passed), "{name}: {said}");
    }
}

fn bundle(settings: &str) -> String {
    format!(
        "[[policy]]\nname = \"old\"\nplugin = \"old.wasm\"\ntimeout_ms = 5000\nmemory_bytes = 67108864\n\
         settings = {{ {settings} }}\n"
    )
}

fn they_all_answer_alike(who: Who) {
    for path in components("wasm") {
        answers(who, &path, &read(&path));
    }
}

fn packed_ones_too(who: Who) {
    for path in components("zst") {
        answers(who, &path, &unpacked(&path));
    }
}

/// In a running daemon, beyond the cases: within its bounds, with words for the sender, and with a reload that is refused.
fn answers(who: Who, path: &Path, wasm: &[u8]) {
    let name = name(path);
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
