//! Callbacks, with a real receiver: signed, sent again, and not sent where they must not go.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use support::{Case, Daemon, Who, cases, eventually};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![signed, again_after_an_error_and_a_kill, redirected, refused_by_default, refused_at_once]
}

const KEY: &[u8] = b"a key of thirty-two bytes, or so";
const ALLOW: &str = "callback_allow = [\"127.0.0.1/32\"]\n";
const PATIENCE: Duration = Duration::from_secs(30);

struct Hook {
    address: SocketAddr,
    requests: Receiver<Request>,
}

struct Request {
    at: Instant,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Hook {
    /// Gives these answers, one to each connection; the last to all that come after.
    fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            let last = answers.last().cloned();
            let answers = answers.into_iter().map(Some).chain(std::iter::repeat(last)).flatten();
            for (stream, answer) in listener.incoming().map_while(Result::ok).zip(answers) {
                // A client that goes away is the client's matter.
                serve(stream, &answer, &sender);
            }
        });
        Self { address, requests }
    }

    fn job(&self, command: &[&str]) -> Value {
        let secret = format!("whsec_{}", STANDARD.encode(KEY));
        json!({"command": command, "callback": {"url": format!("http://{}/hook", self.address), "secret": secret}})
    }

    fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn job(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a job")
    }

    fn assert_signed(&self) {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("any key");
        mac.update(format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        assert_eq!(
            self.header("webhook-signature"),
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        );
    }
}

fn status(code: u16) -> String {
    format!("HTTP/1.1 {code} x\r\ncontent-length: 0\r\n\r\n")
}

fn serve(stream: TcpStream, answer: &str, sender: &Sender<Request>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        headers
            .extend(line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())));
    }
    let mut request = Request { at: Instant::now(), headers, body: Vec::new() };
    request.body = vec![0; request.header("content-length").parse().ok()?];
    reader.read_exact(&mut request.body).ok()?;
    sender.send(request).ok()?;
    reader.get_mut().write_all(answer.as_bytes()).ok()
}

fn signed(who: Who) {
    let (daemon, hook) = (Daemon::configured(who, ALLOW), Hook::new(vec![status(204)]));
    let job = daemon.run(&hook.job(&["echo", "done"]));
    let request = hook.next();
    request.assert_signed();
    assert_eq!(request.header("webhook-id"), job["id"].as_str().expect("an id"));
    assert_eq!(request.header("content-type"), "application/json");
    assert!(request.header("user-agent").starts_with("stockade/"), "{}", request.header("user-agent"));
    assert_eq!(request.job(), job, "the job as the API answers it");
    assert_eq!(request.job()["steps"][0]["stdout"]["text"], "done\n");
    // Also of one that never ran, and nothing of the secret is told to anybody.
    let id = daemon.submit(&hook.job(&["sleep", "100"]));
    daemon.client().request("POST", &format!("/jobs/{id}/cancel"), &[], b"");
    let request = hook.next();
    assert_eq!((request.header("webhook-id"), &request.job()["status"]), (id.as_str(), &json!("cancelled")));
    let secret = STANDARD.encode(KEY);
    assert!(!request.job().to_string().contains(&secret) && !daemon.log().contains(&secret));
}

fn again_after_an_error_and_a_kill(who: Who) {
    let hook = Hook::new(vec![status(500), status(503), status(200)]);
    let daemon = Daemon::configured(who, ALLOW);
    let job = daemon.run(&hook.job(&["true"]));
    let (first, second) = (hook.next(), hook.next());
    assert!(second.at.duration_since(first.at) >= Duration::from_secs(1), "one second, and a little");
    let state = daemon.state().clone();
    eventually(PATIENCE, "the second answer is noted", || daemon.log().contains("503").then_some(()));
    daemon.kill();
    // Five seconds after the second attempt, whoever sends it.
    let _next = Daemon::resumed(who, &state, ALLOW);
    let third = hook.next();
    for request in [&first, &second, &third] {
        request.assert_signed();
        assert_eq!(request.header("webhook-id"), job["id"].as_str().expect("an id"));
        assert_eq!(request.job(), job);
    }
    assert!(hook.requests.recv_timeout(Duration::from_secs(1)).is_err(), "taken once is enough");
}

fn redirected(who: Who) {
    let elsewhere = Hook::new(vec![status(200)]);
    let to =
        format!("HTTP/1.1 307 x\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n", elsewhere.address);
    let (daemon, hook) = (Daemon::configured(who, ALLOW), Hook::new(vec![to]));
    daemon.run(&hook.job(&["true"]));
    let (first, second) = (hook.next(), hook.next());
    assert_eq!(first.body, second.body, "the same again, to the same receiver");
    assert!(elsewhere.requests.try_recv().is_err());
}

fn refused_by_default(who: Who) {
    let (daemon, hook) = (Daemon::start(who, &[]), Hook::new(vec![status(200)]));
    let mut job = hook.job(&["true"]);
    job["callback"]["url"] = json!(format!("http://localhost:{}/", hook.address.port()));
    let done = daemon.run(&job);
    assert_eq!(done["status"], "succeeded", "{done}");
    eventually(PATIENCE, "it is refused once the name is resolved", || {
        daemon.log().contains("no public address").then_some(())
    });
    assert!(hook.requests.try_recv().is_err());
}

fn refused_at_once(who: Who) {
    let daemon = Daemon::configured(who, "callback_allow = [\"127.0.0.1:9000\"]\n");
    let mut client = daemon.client();
    let mut job = json!({"command": ["true"], "callback": {"secret": STANDARD.encode(KEY)}});
    for url in [
        "http://127.0.0.1:9001/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]:9000/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://me:secret@example.org/",
        "ftp://example.org/",
        "https://",
    ] {
        job["callback"]["url"] = json!(url);
        assert_eq!(problem(&client.post("/jobs", &job), 422, "invalid_job"), ["/callback/url"], "{url}");
    }
}
