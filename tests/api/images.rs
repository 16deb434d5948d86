//! Images over HTTP: brought, looked at, run, given out and taken away, each by whom it belongs to.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use support::archive::{Member, busybox, image, tar};
use support::{Case, Client, Daemon, Deaf, Response, Who, cases, eventually, token};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        brought_and_run,
        given_out_and_taken_in_again,
        in_use,
        what_is_no_image,
        of_tenants,
        registries_that_are_not_there,
        a_pull_ends_with_its_caller,
    ]
}

const TAR: (&str, &str) = ("content-type", "application/x-tar");

fn import(client: &mut Client, query: &str, archive: &[u8]) -> Response {
    client.request("POST", &format!("/images/import{query}"), &[TAR], archive)
}

pub(crate) fn imported(client: &mut Client, name: &str) -> Value {
    let answer = import(client, "", &busybox(name));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["items"][0].clone()
}

fn names(client: &mut Client) -> Vec<String> {
    let listed = client.get("/images").json();
    let items = listed["items"].as_array().expect("a list");
    items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

fn printed(job: &Value) -> &str {
    assert_eq!(job["status"], "succeeded", "{job}");
    job["steps"][0]["stdout"]["text"].as_str().expect("text")
}

fn brought_and_run(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let brought = imported(&mut client, "busybox:test");
    assert_eq!(brought["name"], "docker.io/library/busybox:test", "{brought}");
    assert_eq!((&brought["layers"], &brought["tenant"]), (&json!(1), &Value::Null), "{brought}");
    assert_eq!(client.get("/images").json()["items"], json!([brought]));
    let digest = brought["digest"].as_str().expect("a digest");
    for reference in ["busybox:test", "docker.io/library/busybox:test", &format!("busybox@{digest}"), digest]
    {
        let told = client.get(&format!("/images/{reference}"));
        assert_eq!((told.status, &told.json()["digest"]), (200, &json!(digest)), "{}", told.text());
        let job = daemon.run(&json!({"image": reference, "command": ["echo", "hello"]}));
        assert_eq!(printed(&job), "hello\n");
    }
    let told = client.get("/images/busybox:test").json();
    assert_eq!(told["command"], json!(["sh", "-c", "echo $GREETING"]), "{told}");
    assert_eq!(told["layer"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(printed(&daemon.run(&json!({"image": "busybox:test"}))), "hello\n", "its own command");
    assert_eq!(client.request("DELETE", "/images/busybox:test", &[], b"").status, 204);
    problem(&client.get("/images/busybox:test"), 404, "image_not_found");
    problem(&client.request("DELETE", "/images/busybox:test", &[], b""), 404, "image_not_found");
    let refused = client.post("/jobs", &json!({"image": "busybox:test"}));
    assert_eq!(problem(&refused, 422, "invalid_job"), ["/image"]);
    let freed = client.request("POST", "/images/gc", &[], b"");
    assert_eq!((freed.status, &freed.json()["images"]), (200, &json!(0)), "it went with its name");
}

fn given_out_and_taken_in_again(who: Who) {
    let (daemon, other) = (Daemon::start(who, &[]), Daemon::start(who, &[]));
    let digest = imported(&mut daemon.client(), "busybox:test")["digest"].clone();
    for format in ["", "&format=oci-archive", "&format=docker-archive"] {
        let archive = daemon.client().get(&format!("/images/export?reference=busybox:test{format}"));
        assert_eq!((archive.status, archive.header("content-type")), (200, Some("application/x-tar")));
        let answer = import(&mut other.client(), "", &archive.body);
        assert_eq!(answer.status, 201, "{format}: {}", answer.text());
        let found = other.client().get("/images/busybox:test").json()["digest"].clone();
        assert!(format == "&format=docker-archive" || found == digest, "{format}: byte for byte");
        assert_eq!(printed(&other.run(&json!({"image": "busybox:test"}))), "hello\n");
    }
    problem(&daemon.client().get("/images/export?reference=none"), 404, "image_not_found");
    problem(&daemon.client().get("/images/export"), 400, "invalid_query");
    problem(&daemon.client().get("/images/export?reference=busybox:test&format=zip"), 400, "invalid_query");
}

fn in_use(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    imported(&mut client, "busybox:test");
    let id = daemon.submit(&json!({"image": "busybox:test", "command": ["sleep", "60"]}));
    eventually(Duration::from_secs(20), "it runs", || (daemon.job(&id)["status"] == "running").then_some(()));
    problem(&client.request("DELETE", "/images/busybox:test", &[], b""), 409, "image_in_use");
    assert_eq!(client.request("POST", "/images/gc", &[], b"").json()["images"], 0);
    assert_eq!(daemon.cancel(&id)["status"], "cancelled");
    let removed = client.request("DELETE", "/images/busybox:test", &[], b"");
    assert_eq!(removed.status, 204, "as soon as it has ended: {}", removed.text());
}

fn what_is_no_image(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let whole = busybox("busybox:test");
    problem(&import(&mut client, "?name=a:1", b"no archive"), 422, "archive_refused");
    problem(&import(&mut client, "", &whole[..whole.len() / 2]), 422, "archive_refused");
    let changed = {
        let config = image("a:1", &tar(&[("a", Member::File { mode: 0o644, contents: b"one" })]));
        let text = String::from_utf8_lossy(&config).into_owned();
        let diff_id = text.split("sha256:").nth(1).expect("a diff id")[..64].to_owned();
        text.replace(&format!("sha256:{diff_id}"), &format!("sha256:{}", "0".repeat(64))).into_bytes()
    };
    assert_eq!(import(&mut client, "", &changed).status, 422);
    let rootfs = tar(&[("a", Member::File { mode: 0o644, contents: b"a" })]);
    problem(&import(&mut client, "", &rootfs), 422, "invalid_reference");
    problem(&import(&mut client, "?name=A%20B", &rootfs), 422, "invalid_reference");
    problem(&import(&mut client, "?nane=a", &rootfs), 400, "invalid_query");
    let zipped = client.request("POST", "/images/import", &[TAR, ("content-encoding", "gzip")], &rootfs);
    problem(&zipped, 415, "unsupported_media_type");
    let mut client = daemon.client();
    let head = client.head("POST", "/images/import", &[TAR], Some(1 << 50));
    client.send(&head);
    problem(&client.receive().expect("an answer before the body"), 413, "body_too_large");
    assert_eq!(names(&mut daemon.client()), Vec::<String>::new());
    let mut client = daemon.client();
    for path in ["/images/sha256:12", "/images/A%20B", "/images/a@md5:00"] {
        problem(&client.get(path), 422, "invalid_reference");
    }
    for path in ["/images/%ff", "/images/none", "/images/..%2f..%2fetc"] {
        let answer = client.get(path);
        assert!(matches!(answer.status, 404 | 422), "{path}: {}", answer.text());
    }
    let brought = import(&mut client, "?name=rootfs:1", &rootfs);
    assert_eq!(brought.status, 201, "{}", brought.text());
    assert_eq!(names(&mut client), ["docker.io/library/rootfs:1"]);
}

fn of_tenants(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let with = |tenant: &str, role: &str| daemon.client().bearing(&token(who, daemon.state(), tenant, role));
    let [mut one, mut other, mut reader, mut admin] =
        [with("one", "submit,read"), with("other", "submit,read"), with("one", "read"), with("ops", "admin")];
    assert_eq!(imported(&mut admin, "shared:1")["tenant"], Value::Null);
    assert_eq!(imported(&mut one, "own:1")["tenant"], "one");
    problem(&import(&mut reader, "", &busybox("a:1")), 403, "forbidden");
    problem(&import(&mut one, "?tenant=other", &busybox("a:1")), 403, "forbidden");
    let (shared, own) = ("docker.io/library/shared:1", "docker.io/library/own:1");
    assert_eq!(names(&mut one), [own, shared]);
    assert_eq!(names(&mut reader), [own, shared]);
    assert_eq!(names(&mut other), [shared]);
    assert_eq!(names(&mut admin), [own, shared]);
    problem(&other.get("/images/own:1"), 404, "image_not_found");
    problem(&other.get("/images/export?reference=own:1"), 404, "image_not_found");
    problem(&other.get("/images/own:1?tenant=one"), 403, "forbidden");
    assert_eq!(admin.get("/images/own:1?tenant=one").status, 200);
    let refused = other.post("/jobs", &json!({"image": "own:1"}));
    assert_eq!(problem(&refused, 422, "invalid_job"), ["/image"]);
    problem(&one.request("DELETE", "/images/shared:1", &[], b""), 403, "forbidden");
    problem(&other.request("DELETE", "/images/own:1", &[], b""), 404, "image_not_found");
    for (path, body) in
        [("/images/pull", json!({"reference": "a"})), ("/images/push", json!({"reference": "a"}))]
    {
        problem(&one.post(path, &body), 403, "forbidden");
    }
    problem(&one.request("POST", "/images/gc", &[], b""), 403, "forbidden");
    assert_eq!(one.request("DELETE", "/images/own:1", &[], b"").status, 204);
    assert_eq!(admin.request("DELETE", "/images/shared:1", &[], b"").status, 204);
    assert_eq!(names(&mut admin), Vec::<String>::new());
}

fn registries_that_are_not_there(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let deaf = Deaf::new();
    let nobody = deaf.address();
    let pull = json!({"reference": format!("{nobody}/app:1")});
    problem(&client.post("/images/pull", &pull), 502, "registry_unreachable");
    let bad = client.post("/images/pull", &json!({"reference": "A B"}));
    assert_eq!(problem(&bad, 422, "invalid_reference"), ["/reference"]);
    let unknown = client.post("/images/pull", &json!({"reference": "a", "insecure": true}));
    assert_eq!(problem(&unknown, 422, "invalid_job"), ["/insecure"]);
    let none = client.post("/images/push", &json!({"reference": "a", "to": format!("{nobody}/app:1")}));
    assert_eq!(problem(&none, 404, "image_not_found"), ["/reference"]);
    imported(&mut client, "busybox:test");
    let nowhere = client.post("/images/push", &json!({"reference": "busybox:test", "to": "A B"}));
    assert_eq!(problem(&nowhere, 422, "invalid_reference"), ["/to"]);
    let push = json!({"reference": "busybox:test", "to": format!("{nobody}/app:1")});
    problem(&client.post("/images/push", &push), 502, "registry_unreachable");
    let secret = json!({"reference": format!("{nobody}/app:1"), "username": "me", "password": "hunter2"});
    client.post("/images/pull", &secret);
    assert!(!daemon.log().contains("hunter2"));
}

/// With events and without: a registry that never answers is let go of when nobody waits any more.
fn a_pull_ends_with_its_caller(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for accept in ["application/json", "text/event-stream"] {
        let registry = TcpListener::bind("127.0.0.1:0").expect("a port");
        let name = registry.local_addr().expect("an address");
        let mut client = daemon.client();
        let body = json!({"reference": format!("{name}/app:1")}).to_string();
        let headers = [("content-type", "application/json"), ("accept", accept)];
        let head = client.head("POST", "/images/pull", &headers, Some(body.len()));
        client.send(&[&head[..], body.as_bytes()].concat());
        let (mut asked, _) = registry.accept().expect("the daemon asks");
        asked.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout can be set");
        drop(client);
        let read = std::io::copy(&mut asked, &mut std::io::sink());
        assert!(read.is_ok(), "{accept}: {read:?}");
    }
}
