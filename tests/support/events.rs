use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::sockopt::{RcvBuf, TcpMaxSeg};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, setsockopt, socket};
use serde_json::Value;

/// One event of a stream (WHATWG HTML section 9.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub id: u64,
    pub name: String,
    pub data: Value,
}

/// The connection of one listener. It counts and can stop at any byte, which no library would.
#[derive(Debug)]
pub struct Listening {
    stream: TcpStream,
    pub status: u16,
    head: String,
    chunks: Chunks,
    /// Of the body, what is no whole event yet.
    text: Vec<u8>,
    events: Vec<Sent>,
    /// Bytes read, head and framing included.
    pub read: usize,
    ended: bool,
}

const PATIENCE: Duration = Duration::from_mins(1);

impl Listening {
    /// Asks for the events of a job after one of them; the head of the answer has been read then.
    pub fn to(address: SocketAddr, job: &str, after: Option<u64>) -> Self {
        Self::with(address, job, after, &[])
    }

    pub fn with(address: SocketAddr, job: &str, after: Option<u64>, headers: &[(&str, &str)]) -> Self {
        let stream = TcpStream::connect(address).expect("the daemon listens");
        Self::over(stream, address, job, after, headers)
    }

    /// As from far away. Loopback's own segments are so long that the kernel keeps megabytes of what nobody reads: the
    /// server would never have to wait.
    pub fn narrow(address: SocketAddr, job: &str) -> Self {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let end = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
        // Both count for what the connection begins with (tcp(7)).
        setsockopt(&end, RcvBuf, &4096).expect("an option can be set");
        setsockopt(&end, TcpMaxSeg, &1400).expect("an option can be set");
        connect(end.as_raw_fd(), &SockaddrStorage::from(address)).expect("the daemon listens");
        Self::over(end.into(), address, job, None, &[])
    }

    fn over(
        mut stream: TcpStream,
        address: SocketAddr,
        job: &str,
        after: Option<u64>,
        headers: &[(&str, &str)],
    ) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut lines = vec![
            format!("GET /jobs/{job}/events HTTP/1.1"),
            format!("host: {address}"),
            "accept: text/event-stream".into(),
        ];
        lines.extend(after.map(|last| format!("last-event-id: {last}")));
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        stream.write_all((lines.join("\r\n") + "\r\n\r\n").as_bytes()).expect("the daemon takes a request");
        let mut listening = Self {
            stream,
            status: 0,
            head: String::new(),
            chunks: Chunks::default(),
            text: Vec::new(),
            events: Vec::new(),
            read: 0,
            ended: false,
        };
        listening.read_head();
        listening
    }

    fn read_head(&mut self) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).expect("the head of an answer");
            head.push(byte[0]);
        }
        self.read += head.len();
        self.head = String::from_utf8(head).expect("a head is text").to_ascii_lowercase();
        let status = self.head.split(' ').nth(1).and_then(|word| word.parse().ok());
        self.status = status.unwrap_or_else(|| panic!("no status: {}", self.head));
        let kind = self.header("content-type");
        match self.status {
            200 => assert!(kind.is_some_and(|kind| kind.starts_with("text/event-stream")), "{}", self.head),
            _ => self.ended = true,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    }

    /// Events that came with the next bytes, at most so many of them. Nothing at the end.
    pub fn read_some(&mut self, most: usize) -> Vec<Sent> {
        let mut piece = vec![0; most.clamp(1, 16 << 10)];
        if !self.ended {
            let length = self.stream.read(&mut piece).expect("a stream that goes on, or its end");
            self.read += length;
            self.ended = length == 0;
            self.take(&piece[..length]);
        }
        std::mem::take(&mut self.events)
    }

    /// All up to so many bytes from now on, or the end: as a listener whose connection breaks there.
    pub fn read_up_to(&mut self, bytes: usize) -> Vec<Sent> {
        let end = self.read + bytes;
        let mut all = Vec::new();
        while self.read < end && !self.is_over() {
            all.extend(self.read_some(end - self.read));
        }
        all
    }

    pub fn read_all(&mut self) -> Vec<Sent> {
        self.read_up_to(usize::MAX - self.read)
    }

    /// Until one of this name has come; with all before it.
    pub fn read_until(&mut self, name: &str) -> Vec<Sent> {
        let mut all = Vec::new();
        while !self.is_over() && !all.iter().any(|event: &Sent| event.name == name) {
            all.extend(self.read_some(16 << 10));
        }
        all
    }

    /// Whether the server ended the stream.
    pub fn is_over(&self) -> bool {
        self.ended || self.chunks.last
    }

    fn take(&mut self, bytes: &[u8]) {
        self.chunks.decode(bytes, &mut self.text);
        while let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            let block = String::from_utf8(block).expect("events are text");
            self.events.extend(parse(&block));
        }
    }
}

/// A comment, which keeps the connection alive, is no event.
fn parse(block: &str) -> Option<Sent> {
    let field = |name: &str| {
        let mut lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let first = lines.next().map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned());
        assert!(lines.next().is_none(), "one line of each field: {block}");
        first
    };
    if block.lines().all(|line| line.starts_with(':') || line.is_empty()) {
        return None;
    }
    let id = field("id").and_then(|id| id.parse().ok());
    let data = field("data").and_then(|data| serde_json::from_str(&data).ok());
    let (Some(id), Some(name), Some(data)) = (id, field("event"), data) else {
        panic!("an event has an id, a name and data in JSON: {block}")
    };
    Some(Sent { id, name, data })
}

/// The chunked coding (RFC 9112 section 7.1), taken apart however the bytes come.
#[derive(Debug, Default)]
struct Chunks {
    /// Of a size line.
    line: Vec<u8>,
    /// Bytes of the chunk that are still to come, its line end included.
    left: usize,
    last: bool,
}

impl Chunks {
    fn decode(&mut self, mut bytes: &[u8], into: &mut Vec<u8>) {
        const LINE_END: usize = 2;
        while !bytes.is_empty() && !self.last {
            if self.left > 0 {
                let (now, rest) = bytes.split_at(bytes.len().min(self.left));
                let data = now.len().min(self.left.saturating_sub(LINE_END));
                into.extend_from_slice(&now[..data]);
                self.left -= now.len();
                bytes = rest;
                continue;
            }
            self.line.push(bytes[0]);
            bytes = &bytes[1..];
            if self.line.ends_with(b"\r\n") {
                let line = std::mem::take(&mut self.line);
                let size = String::from_utf8_lossy(&line);
                let size = usize::from_str_radix(size.trim(), 16);
                let size = size.unwrap_or_else(|_| panic!("no size of a chunk: {line:?}"));
                (self.left, self.last) = (size + LINE_END, size == 0);
            }
        }
    }
}
