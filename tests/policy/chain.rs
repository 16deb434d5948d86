//! Several policies about one job: in which order, who may change what, and whose no counts.

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases};

use crate::kit::policy;
use crate::stage::{asked, decision, decisions, denied, entry, job, only, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_patch_is_what_happens,
        within_the_caps,
        conflict_and_override,
        order_and_second_pass,
        never_done,
        every_denial_is_told,
        only_where_it_matches,
        tables
    ]
}

const MEMORY: u64 = 32 << 20;

fn memory(bytes: u64) -> Vec<u8> {
    policy("memory", &[("BYTES", &bytes.to_string())], &["mutation"])
}

fn label(key: &str, value: &str) -> Vec<u8> {
    policy("label", &[("KEY", key), ("VALUE", value)], &["mutation"])
}

fn eater(case: &str) -> Value {
    let mut request = job(case);
    request["files"] = json!([support::load()]);
    request["command"] = json!(["./load", "touch", "100"]);
    request["limits"] = json!({"memory_bytes": 400_000_000});
    request
}

fn a_patch_is_what_happens(who: Who) {
    let bundle = entry("small", "small", &format!("grants = [\"patch\"]\n{}", only("small")));
    let daemon = Daemon::with_policies(who, &bundle, &[("small.wasm", &memory(MEMORY))]);
    let free = daemon.run(&eater("free"));
    assert_eq!(free["status"], "succeeded", "{free}");
    let held = daemon.run(&eater("small"));
    assert_eq!(
        (&held["status"], &held["cause"]["allowed"]),
        (&json!("memory_exceeded"), &json!(MEMORY)),
        "{held}"
    );
    let one = decision(&held, "small");
    assert_eq!(one["verdict"], "mutate", "{one}");
    let path = "/steps/0/limits/memory_bytes";
    assert_eq!(one["patch"], json!([{"op": "replace", "path": path, "value": MEMORY}]), "{one}");
    assert!(one["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{one}");
    // What is asked for is less already: nothing to change.
    let mut little = job("small");
    little["limits"] = json!({"memory_bytes": MEMORY / 2});
    let tight = daemon.run(&little);
    // Above all of them it would loosen, which is not granted.
    assert_eq!(
        decision(&tight, "small")["refused"],
        json!([{"path": path, "code": "loosens-isolation"}]),
        "{tight}"
    );
    assert_eq!(decision(&tight, "small")["verdict"], "allow", "{tight}");
}

fn within_the_caps(who: Who) {
    let bundle = entry("wide", "wide", &format!("grants = [\"patch\", \"loosen\"]\n{}", only("wide")))
        + &entry("wider", "wider", &format!("grants = [\"patch\", \"loosen\"]\n{}", only("wider")));
    let files = [("wide.wasm", memory(512 << 20)), ("wider.wasm", memory(1 << 50))];
    let daemon = Daemon::with_policies(who, &bundle, &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    let mut request = job("wide");
    request["limits"] = json!({"memory_bytes": MEMORY});
    let wide = daemon.run(&request);
    assert_eq!(
        (&wide["status"], &decision(&wide, "wide")["verdict"]),
        (&json!("succeeded"), &json!("mutate")),
        "{wide}"
    );
    let problem = denied(&send(&daemon, &job("wider")), 500, "policy_failed");
    let capped = decisions(&problem, "wider");
    let last = capped.last().expect("a decision");
    assert_eq!(
        (&last["code"], &last["field"]),
        (&json!("hard-cap"), &json!("/steps/0/limits/memory_bytes")),
        "{problem}"
    );
}

fn conflict_and_override(who: Who) {
    let bundle = |second: &str| {
        entry("first", "first", "order = 1\ngrants = [\"patch\"]") + &entry("second", "second", second)
    };
    let files = [("first.wasm", label("a", "1")), ("second.wasm", label("a", "2"))];
    let start = |second: &str| {
        Daemon::with_policies(who, &bundle(second), &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)])
    };
    let daemon = start("order = 2\ngrants = [\"patch\"]");
    let kept = daemon.run(&job("x"));
    assert_eq!(kept["labels"]["a"], "1", "{kept}");
    let second = decision(&kept, "second");
    assert_eq!(second["refused"], json!([{"path": "/labels/a", "code": "conflict"}]), "{kept}");
    assert_eq!(second["annotations"], json!({"label": "0"}), "0 is conflict: {kept}");
    // The first to be asked is the first to write, whatever the file's order.
    let daemon = start("order = 0\ngrants = [\"patch\"]");
    assert_eq!(daemon.run(&job("x"))["labels"]["a"], "2");
    // With the right to override, the first would change it back, and so on.
    let daemon = start("order = 2\ngrants = [\"patch\", \"override\"]");
    let fought = send(&daemon, &job("x"));
    let taken = fought.json();
    assert_eq!(taken["labels"]["a"], "2", "{taken}");
    assert_eq!(decision(&taken, "second")["verdict"], "mutate", "{taken}");
}

fn order_and_second_pass(who: Who) {
    // What `late` adds does not make `early` be asked: that is decided by what was sent.
    let early = "order = 1\ngrants = [\"patch\"]\nmatch = { labels = { b = \"2\" } }";
    let bundle = entry("early", "early", early)
        + &entry("late", "late", "order = 2\ngrants = [\"patch\"]")
        + &entry("judge", "judge", "order = 0");
    let judge = policy("allow", &[], &["validation"]);
    let files = [("early.wasm", label("case", "x")), ("late.wasm", label("b", "2")), ("judge.wasm", judge)];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, wasm)| (*name, wasm.as_slice())).collect();
    let daemon = Daemon::with_policies(who, &bundle, &files);
    let job_x = daemon.run(&job("x"));
    assert_eq!(asked(&job_x), ["late", "judge"], "mutators first, validators last: {job_x}");
    assert_eq!(job_x["labels"], json!({"case": "x", "b": "2"}), "{job_x}");
    let job_y = daemon.run(&job("y"));
    assert_eq!((asked(&job_y), &job_y["labels"]["case"]), (vec!["late", "judge"], &json!("y")), "{job_y}");
}

fn never_done(who: Who) {
    let bundle = entry("counter", "counter", &format!("grants = [\"patch\"]\n{}", only("count")));
    let daemon =
        Daemon::with_policies(who, &bundle, &[("counter.wasm", &policy("counter", &[], &["mutation"]))]);
    let problem = denied(&send(&daemon, &job("count")), 500, "policy_failed");
    let both = decisions(&problem, "counter");
    assert_eq!(both.len(), 2, "{problem}");
    assert_eq!(both[0]["patch"], json!([{"op": "add", "path": "/labels/count", "value": "x"}]), "{problem}");
    assert_eq!(
        (&both[1]["verdict"], &both[1]["code"]),
        (&json!("error"), &json!("not-idempotent")),
        "{problem}"
    );
    assert_eq!(send(&daemon, &job("none")).json()["status"], "succeeded");
}

fn every_denial_is_told(who: Who) {
    let deny = |code: &str, retryable: &str| {
        policy("deny", &[("CODE", code), ("RETRYABLE", retryable)], &["validation"])
    };
    let bundle = entry("a", "no", &only("both")) + &entry("b", "later", "") + &entry("c", "yes", "");
    let files = [
        ("no.wasm", deny("no-way", "0")),
        ("later.wasm", deny("later", "1")),
        ("yes.wasm", policy("allow", &[], &["validation"])),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, wasm)| (*name, wasm.as_slice())).collect();
    let daemon = Daemon::with_policies(who, &bundle, &files);
    let answer = send(&daemon, &job("both"));
    let problem = denied(&answer, 403, "policy_denied");
    assert_eq!(asked(&problem), ["a", "b", "c"], "a no does not spare the others the question: {problem}");
    let one = decision(&problem, "a");
    let told = json!([one["code"], one["reason"], one["field"], one["warnings"], one["annotations"]]);
    let wanted =
        json!(["no-way", "no-way says no", "/steps/0/limits/memory_bytes", ["ask for less"], {"rule": "7"}]);
    assert_eq!(told, wanted, "{one}");
    let codes: Vec<&Value> =
        problem["errors"].as_array().expect("errors").iter().map(|e| &e["code"]).collect();
    assert_eq!(codes, ["no-way", "later"], "{problem}");
    assert_eq!(problem["detail"], "no-way says no", "{problem}");
    // Alone, one that may say yes later is answered so.
    let answer = send(&daemon, &job("one"));
    let problem = denied(&answer, 503, "policy_denied");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert_eq!(decision(&problem, "b")["retryable"], true, "{problem}");
}

fn only_where_it_matches(who: Who) {
    let entries = [
        ("labels", "labels = { team = \"red-*\" }"),
        ("unless", "unless_labels = { team = \"red-*\" }"),
        ("profiles", "profiles = [\"build\", \"strict\"]"),
        ("tenants", "tenants = [\"nobody\"]"),
        ("networks", "networks = [\"n*\"]"),
        ("images", "images = [\"host\"], labels = { team = \"*-1\" }"),
    ];
    let bundle: String =
        entries.iter().map(|(name, given)| entry(name, "yes", &format!("match = {{ {given} }}"))).collect();
    let daemon = Daemon::with_policies(who, &bundle, &[("yes.wasm", &policy("allow", &[], &["validation"]))]);
    let ask = |request: Value| {
        let job = daemon.run(&request);
        let mut names: Vec<String> = asked(&job).into_iter().map(String::from).collect();
        names.sort();
        names
    };
    let team = |name: &str| json!({"command": ["true"], "labels": {"team": name}});
    assert_eq!(ask(team("red-1")), ["images", "labels", "networks"]);
    assert_eq!(ask(team("red-2")), ["labels", "networks"]);
    assert_eq!(ask(team("blue")), ["networks", "unless"]);
    assert_eq!(ask(json!({"command": ["true"], "profile": "build"})), ["networks", "profiles", "unless"]);
    let steps = json!({"steps": [{"command": ["true"]}, {"command": ["true"], "profile": "strict"}]});
    assert_eq!(ask(steps), ["networks", "profiles", "unless"], "one step is enough");
}

fn tables(who: Who) {
    let bundle =
        entry("table", "table", "grants = [\"facts\"]") + "[tables.blocked]\ndefault = \"gone fishing\"\n";
    let wasm = policy("table", &[], &["validation"]);
    let daemon = Daemon::with_policies(who, &bundle, &[("table.wasm", &wasm)]);
    let problem = denied(&send(&daemon, &job("x")), 403, "policy_denied");
    assert_eq!(
        (&problem["detail"], &decision(&problem, "table")["code"]),
        (&json!("gone fishing"), &json!("blocked"))
    );
    daemon.rewrite(support::BUNDLE, entry("table", "table", "grants = [\"facts\"]"));
    assert_eq!(daemon.client().post("/policies/reload", &json!({})).status, 200);
    assert_eq!(send(&daemon, &job("x")).json()["status"], "succeeded");
}
