//! Volumes: what one job writes the next one finds, of its own tenant, and within a limit.

use std::time::Duration;

use serde_json::{Value, json};
use support::{Case, Client, Daemon, Who, cases, eventually, token};

use crate::images::imported;
use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![kept_between_jobs, made_and_removed, let_go_before_the_end_is_told, nobody_elses, full]
}

fn job(command: &str, read_only: bool) -> Value {
    json!({"command": ["sh", "-c", command],
           "volumes": [{"name": "cache", "path": "/mnt/cache", "read_only": read_only}]})
}

fn run(client: &mut Client, command: &str, read_only: bool) -> Value {
    client.post("/jobs?wait=true", &job(command, read_only)).json()
}

fn kept_between_jobs(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    assert_eq!(run(&mut client, "echo one > /mnt/cache/a", false)["status"], "succeeded");
    let read = run(&mut client, "cat /mnt/cache/a", true);
    assert_eq!(read["steps"][0]["stdout"]["text"], "one\n", "{read}");
    let refused = run(&mut client, "echo two > /mnt/cache/a", true);
    assert_eq!(refused["status"], "failed", "{refused}");
    let error = refused["steps"][0]["stderr"]["text"].as_str().unwrap_or_default();
    assert!(error.contains("Read-only"), "{refused}");
    let told = client.get("/volumes/cache").json();
    assert_eq!((&told["name"], &told["tenant"]), (&json!("cache"), &json!("default")), "{told}");
    assert_eq!(client.get("/volumes").json()["items"][0]["name"], "cache");
    eventually(Duration::from_secs(10), "it is measured after the job", || {
        let told = client.get("/volumes/cache").json();
        (told["used_bytes"].as_u64() > Some(0)).then_some(())
    });
}

fn made_and_removed(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let made = client.post("/volumes", &json!({"name": "cache", "size_limit_bytes": 1 << 20}));
    assert_eq!((made.status, made.header("location")), (201, Some("/volumes/cache")), "{}", made.text());
    assert_eq!(made.json()["size_limit_bytes"], 1 << 20, "{}", made.text());
    assert_eq!(client.get("/volumes/cache").json(), made.json());
    let again = client.post("/volumes", &json!({"name": "cache"}));
    assert_eq!(problem(&again, 409, "name_taken"), ["/name"]);
    for name in ["", "A", "../a", ".a", &"a".repeat(65)] {
        let refused = client.post("/volumes", &json!({"name": name}));
        assert_eq!(problem(&refused, 422, "invalid_name"), ["/name"], "{name}");
    }
    let large = client.post("/volumes", &json!({"name": "b", "size_limit_bytes": 1_u64 << 60}));
    assert_eq!(problem(&large, 422, "above_cap"), ["/size_limit_bytes"]);
    let id = daemon.submit(&job("sleep 60", true));
    eventually(Duration::from_secs(20), "it runs", || (daemon.job(&id)["status"] == "running").then_some(()));
    problem(&daemon.client().request("DELETE", "/volumes/cache", &[], b""), 409, "volume_in_use");
    daemon.cancel(&id);
    let removed = daemon.client().request("DELETE", "/volumes/cache", &[], b"");
    assert_eq!(removed.status, 204, "as soon as it has ended: {}", removed.text());
    let mut client = daemon.client();
    for path in ["/volumes/cache", "/volumes/%ff", "/volumes/..%2fa"] {
        problem(&client.get(path), 404, "volume_not_found");
        problem(&client.request("DELETE", path, &[], b""), 404, "volume_not_found");
    }
}

fn let_go_before_the_end_is_told(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let job = json!({"image": "busybox:test", "command": ["sh", "-c", "echo one > /mnt/cache/a"],
                     "volumes": [{"name": "cache", "path": "/mnt/cache"}]});
    for round in 0..20 {
        imported(&mut client, "busybox:test");
        let ended = client.post("/jobs?wait=true", &job).json();
        assert_eq!(ended["status"], "succeeded", "{ended}");
        for target in ["/images/busybox:test", "/volumes/cache"] {
            let removed = client.request("DELETE", target, &[], b"");
            assert_eq!(removed.status, 204, "round {round}: {}", removed.text());
        }
    }
    assert!(!daemon.log().contains("was not measured"), "{}", daemon.log());
}

fn nobody_elses(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let with = |tenant: &str, role: &str| daemon.client().bearing(&token(who, daemon.state(), tenant, role));
    let [mut one, mut other, mut reader, mut admin] =
        [with("one", "submit,read"), with("other", "submit,read"), with("one", "read"), with("ops", "admin")];
    assert_eq!(run(&mut one, "echo secret > /mnt/cache/a", false)["status"], "succeeded");
    problem(&other.get("/volumes/cache"), 404, "volume_not_found");
    problem(&other.request("DELETE", "/volumes/cache", &[], b""), 404, "volume_not_found");
    problem(&other.get("/volumes?tenant=one"), 403, "forbidden");
    assert_eq!(other.get("/volumes").json(), json!({"items": []}));
    let theirs = run(&mut other, "ls /mnt/cache", false);
    assert_eq!((&theirs["status"], &theirs["steps"][0]["stdout"]["text"]), (&json!("succeeded"), &json!("")));
    assert_eq!(reader.get("/volumes/cache").status, 200);
    problem(&reader.post("/volumes", &json!({"name": "b"})), 403, "forbidden");
    problem(&reader.request("DELETE", "/volumes/cache", &[], b""), 403, "forbidden");
    assert_eq!(admin.get("/volumes?tenant=one").json()["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(admin.request("DELETE", "/volumes/cache?tenant=one", &[], b"").status, 204);
    assert_eq!(other.get("/volumes/cache").status, 200, "of the same name");
}

fn full(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    client.post("/volumes", &json!({"name": "cache", "size_limit_bytes": 4096}));
    let write = "head -c 100000 /dev/zero > /mnt/cache/a";
    assert_eq!(run(&mut client, write, false)["status"], "succeeded");
    eventually(Duration::from_secs(10), "it is measured after the job", || {
        (client.get("/volumes/cache").json()["used_bytes"].as_u64() >= Some(100_000)).then_some(())
    });
    let refused = client.post("/jobs", &job("true", false));
    assert_eq!(problem(&refused, 422, "invalid_job"), ["/volumes/0/name"]);
    assert_eq!(refused.json()["errors"][0]["code"], "volume_full", "{}", refused.text());
    assert_eq!(run(&mut client, "ls /mnt/cache", true)["status"], "succeeded", "it can be read");
}
