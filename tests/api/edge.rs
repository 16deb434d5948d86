//! What is refused before anybody looks at the job.

use std::time::{Duration, Instant};

use serde_json::json;
use support::{Case, Client, Daemon, Who, cases, figure};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        hosts_and_origins,
        allowed_hosts,
        unknown_paths_and_methods,
        media_types,
        a_hundred_megabytes,
        broken_requests,
        an_idle_client_blocks_nobody,
        only_loopback
    ]
}

fn hosts_and_origins(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    for host in ["localhost", "localhost:1", "127.0.0.1", "[::1]:80", "LOCALHOST"] {
        assert_eq!(client.request("GET", "/healthz", &[("host", host)], b"").status, 200, "{host}");
    }
    for host in
        ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example:7070", "0.0.0.0"]
    {
        let answer = client.request("GET", "/healthz", &[("host", host)], b"");
        problem(&answer, 421, "misdirected_request");
    }
    let job = json!({"command": ["true"]}).to_string();
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost.evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let headers = [("content-type", "application/json"), (name, value)];
        problem(&client.request("POST", "/jobs", &headers, job.as_bytes()), 403, "cross_site_request");
    }
    let ours = [("content-type", "application/json"), ("origin", "http://localhost:3000")];
    assert_eq!(client.request("POST", "/jobs", &ours, job.as_bytes()).status, 202);
}

fn allowed_hosts(who: Who) {
    let daemon = Daemon::configured(who, "allowed_hosts = [\"ci.example\"]");
    assert_eq!(daemon.client().request("GET", "/healthz", &[("host", "ci.example")], b"").status, 200);
    problem(
        &daemon.client().request("GET", "/healthz", &[("host", "cd.example")], b""),
        421,
        "misdirected_request",
    );
}

fn unknown_paths_and_methods(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    for path in ["/", "/job", "/jobs/", "/jobs/x/y", "//jobs", "/jobs/../healthz", "/%00", "/capabilities/x"]
    {
        let answer = client.get(path);
        assert!(matches!(answer.status, 404), "{path}: {}", answer.status);
        problem(&answer, 404, "not_found");
    }
    for (method, path, allow) in [
        ("PUT", "/jobs", "POST"),
        ("DELETE", "/healthz", "GET"),
        ("POST", "/capabilities", "GET"),
        ("GET", "/jobs/01a1fbe5-6205-7141-b220-2903b61ded08/cancel", "POST"),
        ("BREW", "/jobs", "POST"),
    ] {
        let answer = client.request(method, path, &[], b"");
        problem(&answer, 405, "method_not_allowed");
        assert!(answer.header("allow").is_some_and(|list| list.contains(allow)), "{answer:?}");
    }
}

fn media_types(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let job = json!({"command": ["true"]}).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
    ] {
        let answer = client.request("POST", "/jobs", &[("content-type", kind)], job.as_bytes());
        problem(&answer, 415, "unsupported_media_type");
    }
    problem(&client.request("POST", "/jobs", &[], job.as_bytes()), 415, "unsupported_media_type");
    let packed = [("content-type", "application/json"), ("content-encoding", "gzip")];
    problem(&client.request("POST", "/jobs", &packed, job.as_bytes()), 415, "unsupported_media_type");
    let kind = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(client.request("POST", "/jobs", &kind, job.as_bytes()).status, 202);
}

const HUNDRED: usize = 100_000_000;

fn a_hundred_megabytes(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let json = [("content-type", "application/json")];
    // Announced: refused before one byte of it is sent.
    let mut client = daemon.client();
    let start = Instant::now();
    client.send(&client.head("POST", "/jobs", &json, Some(HUNDRED)));
    problem(&client.receive().expect("an answer before the body"), 413, "body_too_large");
    figure(format!("{}: announced 100 MB refused in {} ms", who.name(), start.elapsed().as_millis()));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    // Not announced: refused as soon as it is too much.
    let mut client = daemon.client();
    let start = Instant::now();
    let chunked = [json[0], ("transfer-encoding", "chunked")];
    client.send(&client.head("POST", "/jobs", &chunked, None));
    let chunk = [b"100000\r\n".to_vec(), vec![b' '; 1 << 20], b"\r\n".to_vec()].concat();
    let sent = (0..HUNDRED >> 20).take_while(|_| client.send(&chunk)).count();
    let took = start.elapsed();
    figure(format!("{}: 100 MB in chunks: {sent} MiB taken in {} ms", who.name(), took.as_millis()));
    // A server that closes while we still send may make the kernel drop its answer; what it must not do is read on.
    if let Some(answer) = client.receive() {
        problem(&answer, 413, "body_too_large");
    }
    assert!(sent < 64 && took < Duration::from_secs(5), "{sent} MiB taken in {took:?}");
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded");
}

fn broken_requests(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let broken: [&[u8]; 9] = [
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost : localhost\r\n\r\n",
        b"POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: -1\r\n\r\n",
        b"POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello",
    ];
    for request in broken {
        let mut client = daemon.client();
        client.send(request);
        client.send(b"\r\n\r\n");
        client.finish();
        let status = client.receive().map(|answer| answer.status);
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{status:?}: {request:?}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(1 << 20));
    let mut client = daemon.client();
    client.send(long.as_bytes());
    assert!(client.receive().is_none_or(|answer| (400..500).contains(&answer.status)));
    assert_eq!(daemon.client().get("/healthz").status, 200);
}

fn an_idle_client_blocks_nobody(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let idle: Vec<Client> = (0..50).map(|_| daemon.client()).collect();
    let mut half = daemon.client();
    half.send(b"POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"comm");
    let start = Instant::now();
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    drop((idle, half));
    assert_eq!(daemon.client().get("/healthz").status, 200);
}

fn only_loopback(who: Who) {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let ran = support::run(who, &["serve", "--listen", address]);
        assert_eq!(ran.code, 2, "{address}: {ran:?}");
        assert!(ran.stderr.contains("loopback"), "{address}: {ran:?}");
    }
}
