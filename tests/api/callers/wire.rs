//! One request over any stream: the suites' client speaks plain TCP alone.

use std::io::{Read, Write};

use serde_json::Value;

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        let (_, body) = self.text.split_once("\r\n\r\n").expect("a head and a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

/// `None` where the other side ended the connection without an answer.
pub(super) fn ask(
    mut stream: impl Read + Write,
    method: &str,
    path: &str,
    more: &str,
    body: &str,
) -> Option<Answer> {
    let head =
        format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n{more}", body.len());
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).ok()?;
    let mut text = Vec::new();
    // Whatever came before the connection broke.
    stream.read_to_end(&mut text).ok();
    let text = String::from_utf8(text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, text })
}
