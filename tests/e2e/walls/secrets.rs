use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use serde_json::json;
use support::{Case, Daemon, State, Who, cases, eventually, token};

pub(super) fn cases() -> Vec<Case> {
    cases![stay_out_of_the_log]
}

/// However much is logged.
fn stay_out_of_the_log(who: Who) {
    let state = State::new(who);
    let token = token(who, &state, "t", "submit,read");
    let daemon = Daemon::resumed(who, &state, "log = \"trace\"\ncallback_allow = [\"127.0.0.1/32\"]");
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = receiver.local_addr().expect("an address");
    thread::spawn(move || take(&receiver));
    let mut request = json!({
        "command": ["sh", "-c", "echo printed-$WORD"],
        "env": {"WORD": "in-the-environment"},
        "stdin": {"text": "in-the-input"},
        "files": [{"path": "f", "text": "in-a-file"}],
        "callback": {"url": "http://127.0.0.2:9/", "secret": "whsec_aW4tYS1zaWduYXR1cmUtb2Ytb3RoZXJz"},
    });
    let mut client = daemon.client().bearing(&token);
    let refused = client.post("/jobs?wait=true", &request);
    assert_eq!(refused.status, 422, "a callback to this machine: {}", refused.text());
    request["callback"] = json!({
        "url": format!("http://{address}/in-the-path"),
        "secret": "whsec_b2Ytb25lLXRoYXQtaXMtdGFrZW4taGVyZQ==",
    });
    let ran = client.post("/jobs?wait=true", &request);
    assert!(ran.status == 200 && ran.text().contains("printed-in-the-environment"), "{}", ran.text());
    let wrong = daemon.client().bearing("sk_a-token-that-is-none").get("/jobs");
    assert_eq!(wrong.status, 401, "{}", wrong.text());
    let taken = || daemon.log().contains("callback taken").then_some(());
    eventually(Duration::from_secs(30), "the callback is taken", taken);
    let log = daemon.log();
    assert!(log.contains("TRACE"), "{log}");
    let secrets = [
        token.as_str(),
        "echo printed",
        "in-the-",
        "in-a-file",
        "printed-in",
        "sk_a-token",
        "aW4tYS1zaWduYXR1cmU",
        "in-a-signature",
        "b2Ytb25lLXRoYXQ",
        "of-one-that-is-taken-here",
    ];
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

/// One request, with a good answer.
fn take(receiver: &TcpListener) {
    let (stream, _) = receiver.accept().expect("a connection");
    let mut reader = BufReader::new(&stream);
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).expect("a line of a head");
        let header = line.to_ascii_lowercase();
        if let Some(bytes) = header.strip_prefix("content-length:") {
            length = bytes.trim().parse().expect("a number");
        }
    }
    reader.read_exact(&mut vec![0; length]).expect("a body");
    (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("it is waited for");
}
