//! An HTTP server of a few lines, in threads of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver as Inbox, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    requests: Inbox<Request>,
    connected: Arc<AtomicUsize>,
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) at: Instant,
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Receiver {
    /// Answers with these, one after another.
    pub(super) fn new(statuses: &'static [u16]) -> Self {
        let answers =
            statuses.iter().map(|status| format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n"));
        Self::answering(answers.collect())
    }

    pub(super) fn redirecting(location: &str) -> Self {
        Self::answering(vec![format!(
            "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        )])
    }

    /// Accepts, and says nothing.
    pub(super) fn silent() -> Self {
        Self::answering(Vec::new())
    }

    fn answering(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, requests) = channel();
        let connected = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connected);
        thread::spawn(move || {
            let (mut answers, mut open) = (answers.into_iter(), Vec::new());
            for stream in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                match answers.next() {
                    Some(answer) => serve(stream, &answer, &sender),
                    None => open.push(stream),
                }
            }
        });
        Self { address, requests, connected }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn next(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(20)).expect("a request")
    }

    pub(super) fn nothing(&self) -> bool {
        self.connected() == 0
    }

    pub(super) fn connected(&self) -> usize {
        self.connected.load(Ordering::SeqCst)
    }
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn serve(stream: TcpStream, answer: &str, sender: &Sender<Request>) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let split = |line: &String| {
        line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
    };
    let headers: Vec<_> = lines.iter().skip(1).filter_map(split).collect();
    let mut request = Request { at: Instant::now(), line: lines.swap_remove(0), headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).expect("a length");
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).expect("a body");
    sender.send(request).ok();
    reader.get_mut().write_all(answer.as_bytes()).expect("an answer");
}
