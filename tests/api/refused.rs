//! Bodies that are refused, each with the JSON pointer of what is wrong.

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        malformed_json,
        bad_fields,
        limits_above_the_caps,
        several_at_once,
        what_is_unsupported,
        large_but_legal
    ]
}

fn malformed_json(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let bodies = [
        "",
        "{",
        "{\"command\":[\"true\"]",
        "{\"command\":[\"true\"],}",
        "nonsense",
        "{\"command\":[\"true\"]} x",
        "\u{feff}{}",
    ];
    for body in bodies {
        let json = [("content-type", "application/json")];
        let answer = client.request("POST", "/jobs", &json, body.as_bytes());
        assert_eq!(problem(&answer, 400, "malformed_json"), [""], "{body}");
    }
    let invalid =
        client.request("POST", "/jobs", &[("content-type", "application/json")], b"{\"command\":[\"\xff\"]}");
    problem(&invalid, 400, "malformed_json");
    let deep = "[".repeat(100_000);
    let answer = client.request("POST", "/jobs", &[("content-type", "application/json")], deep.as_bytes());
    problem(&answer, 400, "malformed_json");
}

fn bad_fields(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let file = |file: Value| json!({"command": ["true"], "files": [file]});
    let job = |name: &str, value: Value| {
        let mut job = json!({"command": ["true"]});
        job[name] = value;
        job
    };
    let refused = [
        (json!({}), "/command"),
        (json!({"command": []}), "/command"),
        (json!({"command": [""]}), "/command"),
        (json!({"command": "true"}), "/command"),
        (json!({"command": ["echo", 1]}), "/command/1"),
        (json!({"command": ["echo", "a\u{0}b"]}), "/command/1"),
        (json!({"command": ["echo", "x".repeat(200_000)]}), "/command/1"),
        (json!({"steps": []}), "/command"),
        (json!({"steps": [{"command": []}]}), "/steps/0/command"),
        (json!({"steps": [{"command": ["true"], "name": "bad name"}]}), "/steps/0/name"),
        (json!({"steps": [{"command": ["true"], "comand": 1}]}), "/steps/0/comand"),
        (json!({"steps": [{"command": ["true"]}, {"command": ["a\u{0}"]}]}), "/steps/1/command/0"),
        (json!({"steps": [{"command": ["true"]}], "stdin": {"text": ""}}), "/stdin"),
        (job("unknown", json!(1)), "/unknown"),
        (job("a/b~c", json!(1)), "/a~1b~0c"),
        (job("limits", json!({"memory": 1})), "/limits/memory"),
        (job("limits", json!({"pids": -1})), "/limits/pids"),
        (job("limits", json!({"pids": 0})), "/limits/pids"),
        (job("limits", json!({"wall_time_ms": 0})), "/limits/wall_time_ms"),
        (job("limits", json!({"wall_time_ms": "1s"})), "/limits/wall_time_ms"),
        (job("limits", json!({"cpus": 0})), "/limits/cpus"),
        (job("limits", json!([])), "/limits"),
        (job("env", json!({"A=B": "x"})), "/env/A=B"),
        (job("env", json!({"A": "x\u{0}"})), "/env/A"),
        (job("env", json!({"A": 1})), "/env/A"),
        (job("stdin", json!({})), "/stdin"),
        (job("stdin", json!({"text": "", "base64": ""})), "/stdin"),
        (job("stdin", json!({"base64": "%%%"})), "/stdin/base64"),
        (job("user", json!("root")), "/user"),
        (job("user", json!("65534")), "/user"),
        (job("user", json!("-1")), "/user"),
        (job("user", json!(1000)), "/user"),
        (job("workdir", json!("relative")), "/workdir"),
        (job("workdir", json!("/a\u{0}")), "/workdir"),
        (job("profile", json!("none")), "/profile"),
        (job("profile", json!("../default")), "/profile"),
        (job("artifacts", json!(["../x"])), "/artifacts/0"),
        (job("artifacts", json!(["ok", "/etc/passwd"])), "/artifacts/1"),
        (job("artifacts", json!(["a\u{0}"])), "/artifacts/0"),
        (job("artifacts", json!("out")), "/artifacts"),
        (file(json!({"path": "../x", "text": ""})), "/files/0/path"),
        (file(json!({"path": "a/../../x", "text": ""})), "/files/0/path"),
        (file(json!({"path": "/etc/x", "text": ""})), "/files/0/path"),
        (file(json!({"path": "", "text": ""})), "/files/0/path"),
        (file(json!({"path": "a\u{0}", "text": ""})), "/files/0/path"),
        (file(json!({"path": "x".repeat(300), "text": ""})), "/files/0/path"),
        (file(json!({"path": "x"})), "/files/0"),
        (file(json!({"path": "x", "text": "", "mode": "4755"})), "/files/0/mode"),
        (file(json!({"path": "x", "text": "", "mode": "rwx"})), "/files/0/mode"),
        (file(json!({"path": "x", "text": "", "mode": 420})), "/files/0/mode"),
        (file(json!({"text": ""})), "/files/0/path"),
        (job("on_output_limit", json!("explode")), "/on_output_limit"),
        (job("network", json!({"mode": "full"})), "/network/mode"),
        (job("network", json!({"mode": "none", "hosts": []})), "/network/hosts"),
        (job("image", json!("debian:12")), "/image"),
    ];
    let mut client = daemon.client();
    for (body, pointer) in refused {
        let answer = client.post("/jobs?wait=true", &body);
        let mut shown = body.to_string();
        shown.truncate(200);
        assert_eq!(answer.status, 422, "{shown}: {}", answer.text());
        assert_eq!(problem(&answer, 422, "invalid_job"), [pointer], "{shown}");
    }
    assert_eq!(client.post("/jobs?wait=true", &json!({"command": ["true"]})).json()["status"], "succeeded");
}

fn limits_above_the_caps(who: Who) {
    let daemon =
        Daemon::configured(who, "[limits.cap]\nmemory_bytes = 100000000\nwall_time_ms = 5000\ncpus = 0.5\n");
    let caps = daemon.client().get("/capabilities").json()["limit_caps"].clone();
    assert_eq!((&caps["memory_bytes"], &caps["cpus"]), (&json!(100_000_000), &json!(0.5)), "{caps}");
    for (name, cap) in caps.as_object().expect("an object") {
        let limits = |value: Value| json!({"command": ["true"], "limits": {name: value}});
        let over =
            cap.as_u64().map_or_else(|| json!(cap.as_f64().expect("a number") + 0.01), |cap| json!(cap + 1));
        let answer = daemon.client().post("/jobs?wait=true", &limits(over));
        assert_eq!(problem(&answer, 422, "invalid_job"), [format!("/limits/{name}")]);
        assert_eq!(answer.json()["errors"][0]["code"], "above_cap");
        let job = daemon.run(&limits(cap.clone()));
        assert_eq!(job["status"], "succeeded", "just the cap, for {name}: {job}");
    }
    let huge =
        daemon.client().post("/jobs", &json!({"command": ["true"], "limits": {"memory_bytes": u64::MAX}}));
    assert_eq!(problem(&huge, 422, "invalid_job"), ["/limits/memory_bytes"]);
}

/// All complaints at once, so that a caller mends them in one go.
fn several_at_once(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let body = json!({"command": [], "user": "x", "artifacts": ["/a"], "limits": {"pids": 0}});
    let mut pointers = problem(&daemon.client().post("/jobs", &body), 422, "invalid_job");
    pointers.sort_unstable();
    assert_eq!(pointers, ["/artifacts/0", "/command", "/limits/pids", "/user"]);
}

fn what_is_unsupported(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let answer = client.post("/jobs", &json!({"command": ["true"], "require": ["landlock", "gpu"]}));
    assert_eq!(problem(&answer, 422, "unsupported_layer"), ["/require/1"]);
    // What this version does not have yet is refused like anything unknown, never ignored.
    for name in ["volumes", "tty", "depends_on"] {
        let mut body = json!({"command": ["true"]});
        body[name] = json!(1);
        assert_eq!(problem(&client.post("/jobs", &body), 422, "invalid_job"), [format!("/{name}")]);
    }
    let twice = client.request(
        "POST",
        "/jobs",
        &[("content-type", "application/json")],
        b"{\"command\":[\"true\"],\"user\":\"1\",\"user\":\"2\"}",
    );
    assert_eq!(problem(&twice, 422, "invalid_job"), ["/user"]);
}

fn large_but_legal(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let text = "x".repeat(20 << 20);
    let job = daemon.run(&json!({"command": ["wc", "-c"], "stdin": {"text": text}}));
    assert_eq!(job["steps"][0]["stdout"]["text"], "20971520\n", "{}", job["cause"]);
    let files: Vec<_> = (0..4096).map(|i| json!({"path": format!("d{}/f{i}", i % 7), "text": "x"})).collect();
    let job = daemon.run(&json!({"command": ["sh", "-c", "cat d*/f* | wc -c"], "files": files}));
    assert_eq!(job["steps"][0]["stdout"]["text"], "4096\n", "{job}");
    let files: Vec<_> = (0..4097).map(|i| json!({"path": format!("f{i}"), "text": ""})).collect();
    let answer = daemon.client().post("/jobs", &json!({"command": ["true"], "files": files}));
    assert_eq!(problem(&answer, 422, "invalid_job"), ["/files"]);
}
