//! `application/problem+json` (RFC 9457) as lines for a person.

use std::fmt;

use hyper::StatusCode;
use serde::Deserialize;

use crate::policy::table::plain;
use crate::request::option;

/// What a field of the request is called in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// By its JSON pointer.
    Pointers,
    /// By the option that it was made of.
    Options,
}

#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<u64>,
    title: String,
    detail: String,
    errors: Vec<Member>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    title: String,
    detail: String,
    errors: Vec<Member>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Member {
    pointer: String,
    detail: String,
}

impl Problem {
    /// A proxy on the way answers with anything: then the status alone has to do.
    pub(crate) fn read(status: StatusCode, retry_after: Option<u64>, body: &[u8]) -> Self {
        let Document { mut title, detail, errors } = serde_json::from_slice(body).unwrap_or_default();
        if title.is_empty() {
            let reason = status.canonical_reason().unwrap_or("the server says no");
            title = format!("{reason} (HTTP {})", status.as_u16());
        }
        Self { status, retry_after, title, detail, errors }
    }

    pub(crate) fn passes(&self) -> bool {
        let now = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        now.contains(&self.status)
    }

    /// The title with the detail, then a line for everything that is wrong. What is wrong alone stands in the first line.
    pub(crate) fn lines(&self, naming: Naming) -> String {
        let title = plain(&self.title);
        let members: Vec<String> = self.errors.iter().map(|member| member.line(naming)).collect();
        match members.as_slice() {
            [] => self.first(),
            [only] => format!("{title}: {only}"),
            many => format!("{}\n  {}", self.first(), many.join("\n  ")),
        }
    }

    fn first(&self) -> String {
        let (title, detail) = (plain(&self.title), plain(&self.detail));
        if detail.is_empty() { title } else { format!("{title}: {detail}") }
    }

    pub(crate) fn remedy(&self) -> Option<String> {
        match self.status {
            StatusCode::UNAUTHORIZED => Some(
                "name a token by `--token-file` or STOCKADE_TOKEN; `stockade token new` on the server makes one".into(),
            ),
            _ => self.retry_after.map(|seconds| format!("the server asks to come again in {seconds} s")),
        }
    }
}

impl Member {
    fn line(&self, naming: Naming) -> String {
        let detail = plain(&self.detail);
        let place = match naming {
            Naming::Pointers => self.pointer.as_str(),
            Naming::Options => option(&self.pointer),
        };
        if place.is_empty() { detail } else { format!("{}: {detail}", plain(place)) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first())
    }
}

#[cfg(test)]
mod tests;
