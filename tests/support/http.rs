use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// One keep-alive connection. A small client of our own: the suites must be able to send what no library would.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    /// Sent with every request, such as a token.
    always: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Nothing that is tested takes this long; a server that hangs fails the test instead of stopping it.
const PATIENCE: Duration = Duration::from_secs(90);

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self::connect(address).expect("the daemon listens")
    }

    /// `None` where nobody listens any more.
    pub fn connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(crate::patient(PATIENCE))).expect("a timeout can be set");
        stream.set_nodelay(true).expect("an option can be set");
        Some(Self { address, stream: BufReader::new(stream), always: Vec::new() })
    }

    /// With a token of a tenant (RFC 6750).
    #[must_use]
    pub fn bearing(mut self, token: &str) -> Self {
        self.always.push(("authorization".into(), format!("Bearer {token}")));
        self
    }

    pub fn get(&mut self, target: &str) -> Response {
        self.request("GET", target, &[], b"")
    }

    pub fn post(&mut self, target: &str, json: &Value) -> Response {
        self.request("POST", target, &[("content-type", "application/json")], json.to_string().as_bytes())
    }

    pub fn request(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.attempt(method, target, headers, body).unwrap_or_else(|| {
            // It closed after the answer before, which every keep-alive client must expect (RFC 9112 section 9.5).
            let always = std::mem::take(&mut self.always);
            *self = Self { always, ..Self::new(self.address) };
            self.attempt(method, target, headers, body).expect("the daemon answers")
        })
    }

    /// Once: `None` where the connection broke, and the server may have taken the request or not.
    pub fn attempt(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Response> {
        let always = self.always.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(always).collect();
        // In one piece: a server may refuse by the head alone and close, and what it did not read then resets the answer.
        let all = [&head(self.address, method, target, &headers, Some(body.len()))[..], body].concat();
        self.send(&all);
        self.receive()
    }

    /// Any bytes at all. A server that has answered and closed already may refuse them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    /// `None` when the server closed the connection without an answer.
    pub fn receive(&mut self) -> Option<Response> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|&read| read > 0)?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response { status, headers, body: Vec::new() };
        let length = response.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        assert!(response.header("transfer-encoding").is_none(), "answers have a length: {response:?}");
        response.body = vec![0; length];
        self.stream.read_exact(&mut response.body).ok()?;
        Some(response)
    }

    /// Nothing more will be sent; the answer can still come.
    pub fn finish(&mut self) {
        self.stream.get_mut().shutdown(Shutdown::Write).ok();
    }

    /// What goes before a body; without a length where `length` is `None`.
    pub fn head(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        length: Option<usize>,
    ) -> Vec<u8> {
        head(self.address, method, target, headers, length)
    }
}

fn head(
    at: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    length: Option<usize>,
) -> Vec<u8> {
    let host = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    let mut lines = vec![format!("{method} {target} HTTP/1.1")];
    lines.extend((!host).then(|| format!("host: {at}")));
    let length = length.filter(|&length| length > 0 || method == "POST");
    lines.extend(length.map(|length| format!("content-length: {length}")));
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    (lines.join("\r\n") + "\r\n\r\n").into_bytes()
}
