//! Policies over HTTP: what a job hears of them, what a dry run tells, and how others come into force.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{BUNDLE, Case, Daemon, Who, cases, eventually, policy_folder};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        denied,
        denied_for_now,
        changed,
        dry_run,
        followed,
        listed,
        reloaded,
        reloaded_by_signal,
        refused_at_start,
        none
    ]
}

const MIB: u64 = 1 << 20;

/// Denies what asks for more than this, or lowers it.
fn limits(memory: u64, on_excess: &str) -> String {
    format!(
        "[[policy]]\nname = \"limits\"\nplugin = \"builtin:resource-limits\"\ntimeout_ms = 5000\ngrants = [\"patch\"]\n\
         settings = {{ max = {{ memory_bytes = {memory} }}, on_excess = \"{on_excess}\" }}\n"
    )
}

fn job(memory: u64) -> Value {
    json!({"command": ["true"], "limits": {"memory_bytes": memory}})
}

fn denied(who: Who) {
    let daemon = Daemon::with_policies(who, &limits(64 * MIB, "deny"), &[]);
    let mut client = daemon.client();
    let answer = client.post("/jobs?wait=true", &job(65 * MIB));
    assert_eq!(problem(&answer, 403, "policy_denied"), ["/steps/0/limits/memory_bytes"]);
    assert_eq!(answer.header("connection"), None, "the body was read: {answer:?}");
    let told = answer.json();
    assert_eq!(told["errors"][0]["code"], "limit-too-large", "{told}");
    assert_eq!(told["errors"][0]["detail"], told["detail"], "{told}");
    let decision = &told["policy"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    assert_eq!(
        (&decision["policy"], &decision["hook"], &decision["verdict"], &decision["generation"]),
        (&json!("limits"), &json!("validation"), &json!("deny"), &json!(1)),
        "{told}"
    );
    let allowed = client.post("/jobs?wait=true", &job(64 * MIB)).json();
    assert_eq!(
        (&allowed["status"], &allowed["policy"][0]["verdict"]),
        (&json!("succeeded"), &json!("allow"))
    );
    let log = daemon.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("denied")).collect();
    assert!(
        matches!(lines.as_slice(), [one] if one.contains("INFO") && one.contains("job_id=")
            && one.contains("limit-too-large") && one.contains("validation")
            && one.contains(answer.header("x-request-id").expect("an id"))),
        "{lines:?}"
    );
}

fn denied_for_now(who: Who) {
    let bundle = "[[policy]]\nname = \"quota\"\nplugin = \"builtin:tenant-quota\"\ntimeout_ms = 5000\ngrants = [\"facts\", \"kv\"]\n\
                  settings = { default = { max_running_jobs = 1 } }\n";
    let daemon = Daemon::with_policies(who, bundle, &[]);
    let id = daemon.submit(&json!({"command": ["sleep", "100"]}));
    eventually(Duration::from_secs(10), "the job runs", || {
        (daemon.job(&id)["status"] == "running").then_some(())
    });
    let answer = daemon.client().post("/jobs", &json!({"command": ["true"]}));
    problem(&answer, 503, "policy_denied");
    assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
    assert_eq!(daemon.cancel(&id)["status"], "cancelled");
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded");
    // At one time: each is decided in the knowledge of those before it.
    let slow = json!({"command": ["sleep", "100"]});
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let send = || scope.spawn(|| daemon.client().post("/jobs", &slow).status);
        let sent: Vec<_> = (0..8).map(|_| send()).collect();
        sent.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let count = |status| statuses.iter().filter(|known| **known == status).count();
    assert_eq!((count(202), count(503)), (1, 7), "{statuses:?}");
}

fn changed(who: Who) {
    let daemon = Daemon::with_policies(who, &limits(32 * MIB, "lower"), &[]);
    let hungry = json!({"command": ["sh", "-c", "head -c 60000000 /dev/zero | tail"],
        "limits": {"memory_bytes": 256 * MIB}});
    let job = daemon.run(&hungry);
    let patch = json!([{"op": "replace", "path": "/steps/0/limits/memory_bytes", "value": 32 * MIB}]);
    assert_eq!(
        (&job["policy"][0]["verdict"], &job["policy"][0]["patch"]),
        (&json!("mutate"), &patch),
        "{job}"
    );
    assert!(job["warnings"][0].as_str().is_some_and(|text| text.starts_with("limits: ")), "{job}");
    assert!(job["timing"]["admit_us"].as_u64() >= job["policy"][0]["duration_us"].as_u64(), "{job}");
    // The job really has it: the kernel said so.
    assert_eq!(job["status"], "memory_exceeded", "{job}");
    assert_eq!(job["cause"]["allowed"], 32 * MIB, "{job}");
}

fn dry_run(who: Who) {
    let bundle =
        [limits(64 * MIB, "deny"), limits(32 * MIB, "lower").replace("\"limits\"", "\"lower\"")].concat();
    let bundle = bundle + "match = { labels = { small = \"*\" } }\n";
    let daemon = Daemon::with_policies(who, &bundle, &[]);
    let mut client = daemon.client();
    let mut request = job(60 * MIB);
    request["labels"] = json!({"small": "yes"});
    request["env"] = json!({"TOKEN": "of-nobody"});
    let answer = client.post("/jobs?dry_run=true", &request);
    assert_eq!((answer.status, answer.header("location")), (200, None), "{}", answer.text());
    let told = answer.json();
    assert_eq!(told["verdict"], "admit", "{told}");
    let step = &told["job"]["steps"][0];
    assert_eq!(step["limits"]["memory_bytes"], 32 * MIB, "as it would run: {told}");
    assert!(
        !told["job"].to_string().contains("of-nobody") && step["env_names"].to_string().contains("TOKEN")
    );
    assert_eq!(told["plan"]["cgroup"]["memory_bytes"], 32 * MIB, "{told}");
    let id = told["job"]["id"].as_str().expect("an id").to_owned();
    problem(&client.get(&format!("/jobs/{id}")), 404, "job_not_found");

    let told = client.post("/jobs?dry_run=true", &job(65 * MIB)).json();
    assert_eq!(
        (&told["verdict"], &told["code"], &told["denied_by"]),
        (&json!("deny"), &json!("limit-too-large"), &json!("limits")),
        "{told}"
    );
    assert_eq!(
        (&told["problem"]["status"], &told["field"]),
        (&json!(403), &told["problem"]["errors"][0]["pointer"])
    );
    assert!(told["policy"].is_array() && told["reason"].is_string() && told.get("plan").is_none(), "{told}");

    problem(&client.post("/jobs?dry_run=true", &json!({})), 422, "invalid_job");
    for query in ["dry_run=true&wait=true", "dry_run=yes", "dry_run", "dryrun=true"] {
        problem(&client.post(&format!("/jobs?{query}"), &job(MIB)), 400, "invalid_query");
    }
    problem(&client.get(&format!("/jobs/{id}?dry_run=true")), 400, "invalid_query");
    assert_eq!(client.post("/jobs?dry_run=false&wait=true", &job(60 * MIB)).json()["status"], "succeeded");
}

/// What policies note down about a running and an ended job comes onto its record.
fn followed(who: Who) {
    let bundle = "[[policy]]\nname = \"audit\"\nplugin = \"builtin:audit-log\"\ntimeout_ms = 5000\ngrants = [\"metrics\"]\n\
                  settings = { log = true }\n";
    let mut daemon = Daemon::with_policies(who, bundle, &[]);
    let id = daemon.submit(&json!({"command": ["sleep", "100"]}));
    let notes = |id: &str| daemon.job(id)["annotations"].as_object().map_or(0, serde_json::Map::len);
    let started = eventually(Duration::from_secs(10), "it is noted that the job was started", || {
        Some(notes(&id)).filter(|count| *count > 0)
    });
    assert_eq!(daemon.cancel(&id)["status"], "cancelled");
    eventually(Duration::from_secs(10), "it is noted how the job ended", || {
        (notes(&id) >= started)
            .then(|| daemon.job(&id))
            .filter(|job| job["annotations"].to_string().contains("cancelled"))
    });
    let counted =
        || daemon.client().get("/policies").json()["policies"][0]["stats"]["metrics"]["exited"].clone();
    assert_eq!(counted(), 1);
    // A server that stops tells them first of every job that has ended.
    let ids: Vec<String> = (0..20).map(|_| daemon.submit(&json!({"command": ["true"]}))).collect();
    for id in &ids {
        assert_eq!(daemon.ended(id)["status"], "succeeded");
    }
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait().success());
    let told = |id: &String| {
        let log = daemon.log();
        let mut lines = log.lines().filter(|line| line.contains(id.as_str()));
        lines.any(|line| line.contains("succeeded"))
    };
    eventually(Duration::from_secs(5), "the log is read to its end", || ids.iter().all(told).then_some(()));
}

fn listed(who: Who) {
    let daemon = Daemon::with_policies(who, &limits(64 * MIB, "deny"), &[]);
    let told = daemon.client().get("/policies").json();
    assert_eq!(told["generation"], 1, "{told}");
    assert!(told["bundle"].as_str().is_some_and(|name| name.ends_with(BUNDLE)), "{told}");
    let policy = &told["policies"][0];
    assert_eq!((&policy["name"], &policy["mode"]), (&json!("limits"), &json!("enforce")), "{told}");
    assert_eq!(policy["hooks"], json!(["mutation", "validation"]), "{told}");
    assert!(policy["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{told}");
    assert_eq!(daemon.client().get("/readyz").json(), json!({"status": "ok", "generation": 1}));
}

fn reloaded(who: Who) {
    let daemon = Daemon::with_policies(who, &limits(64 * MIB, "deny"), &[]);
    let mut client = daemon.client();
    problem(&client.post("/jobs", &job(65 * MIB)), 403, "policy_denied");
    daemon.rewrite(BUNDLE, limits(128 * MIB, "deny"));
    let told = client.request("POST", "/policies/reload", &[], b"");
    assert_eq!((told.status, &told.json()["generation"]), (200, &json!(2)), "{}", told.text());
    let ran = daemon.run(&job(65 * MIB));
    assert_eq!((&ran["status"], &ran["policy"][0]["generation"]), (&json!("succeeded"), &json!(2)), "{ran}");

    for (bundle, policy, line) in [
        ("\n[[policy]\n".to_owned(), Value::Null, json!(2)),
        (limits(MIB, "explode"), json!("limits"), json!(1)),
        (limits(MIB, "deny").replace("builtin:resource-limits", "gone.wasm"), json!("limits"), json!(1)),
    ] {
        daemon.rewrite(BUNDLE, &bundle);
        let answer = client.request("POST", "/policies/reload", &[], b"");
        problem(&answer, 422, "policies_refused");
        let told = answer.json();
        assert_eq!((&told["policy"], &told["line"]), (&policy, &line), "{told}");
        assert!(told["remedy"].is_string() && told["bundle"].is_string(), "{told}");
        problem(&client.post("/jobs", &job(129 * MIB)), 403, "policy_denied");
        assert_eq!(client.get("/policies").json()["generation"], 2);
        assert_eq!(client.get("/readyz").status, 200);
    }
}

fn reloaded_by_signal(who: Who) {
    let daemon = Daemon::with_policies(who, &limits(64 * MIB, "deny"), &[]);
    let generation = || daemon.client().get("/policies").json()["generation"].as_u64();
    daemon.rewrite(BUNDLE, limits(MIB, "deny").replace("limits\"\nplugin", "other\"\nplugin"));
    daemon.signal(Signal::SIGHUP);
    eventually(Duration::from_secs(10), "the bundle is loaded again", || {
        (generation() == Some(2)).then_some(())
    });
    assert_eq!(daemon.client().get("/policies").json()["policies"][0]["name"], "other");
    daemon.rewrite(BUNDLE, "[[policy]]\nname = \"No\"\n");
    daemon.signal(Signal::SIGHUP);
    let line = eventually(Duration::from_secs(10), "the refusal is logged", || {
        daemon.log().lines().find(|line| line.contains("not reloaded")).map(str::to_owned)
    });
    assert!(line.contains("ERROR") && line.contains(BUNDLE) && line.contains("remedy"), "{line}");
    assert_eq!(generation(), Some(2));
}

fn refused_at_start(who: Who) {
    for (bundle, words) in [
        (limits(MIB, "explode"), &["policy `limits`", "settings refused", "on_excess"][..]),
        (
            limits(MIB, "deny").replace("resource-limits", "resource-limit"),
            &["policy `limits`", "resource-limits"],
        ),
        ("[[policies]]".into(), &["policies.toml:1"]),
    ] {
        let folder = policy_folder("", &bundle, &[]);
        let settings = folder.path().join("stockade.toml");
        let settings = settings.to_str().expect("a temporary path is text");
        let ran = support::run(who, &["serve", "--listen", "127.0.0.1:0", "--config", settings]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(words.iter().all(|word| ran.stderr.contains(word)), "{words:?}: {ran:?}");
    }
    let ran = support::run(who, &["serve", "--listen", "127.0.0.1:0", "--policies", "no-such-bundle"]);
    assert!(ran.code == 2 && ran.stderr.contains("no-such-bundle") && ran.stderr.contains("hint"), "{ran:?}");
}

fn none(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    assert_eq!(client.get("/readyz").json(), json!({"status": "ok", "generation": 0}));
    let told = client.get("/policies").json();
    assert_eq!((&told["bundle"], &told["policies"]), (&Value::Null, &json!([])), "{told}");
    assert_eq!(client.request("POST", "/policies/reload", &[], b"").json()["generation"], 0);
    daemon.signal(Signal::SIGHUP);
    let job = daemon.run(&json!({"command": ["true"]}));
    assert_eq!((&job["status"], &job["policy"]), (&json!("succeeded"), &json!([])), "{job}");
    let told = client.post("/jobs?dry_run=true", &json!({"command": ["true"]})).json();
    assert_eq!((&told["verdict"], &told["policy"]), (&json!("admit"), &json!([])), "{told}");
    let log = daemon.log();
    assert_eq!(log.matches("no policies: every valid job is admitted").count(), 1, "{log}");
}
