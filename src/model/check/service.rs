//! What a job asks of the service around its sandbox.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Errors, MAX_LABELS};
use crate::{Callback, CallbackRequest, Content, RetryRequest};

const MAX_PRIORITY: i32 = 100;
const MAX_ATTEMPTS: u32 = 10;
/// A week.
const MAX_QUEUE_TIMEOUT_MS: u64 = 7 * 24 * 3600 * 1000;
const MAX_URL: usize = 2048;

/// Of a label's name and of its value.
pub(crate) const MAX_LABEL: usize = 256;

impl Errors {
    pub(super) fn labels(&mut self, labels: &BTreeMap<String, String>) {
        self.count(&["labels"], labels.len(), MAX_LABELS);
        for (name, value) in labels {
            if name.is_empty() || name.len() > MAX_LABEL || value.len() > MAX_LABEL {
                let detail = format!("a name of 1 to {MAX_LABEL} bytes, a value of at most {MAX_LABEL}");
                self.add(&["labels", name], "invalid", detail);
            }
        }
    }

    pub(super) fn priority(&mut self, asked: Option<i32>) -> i32 {
        let priority = asked.unwrap_or(0);
        if !(-MAX_PRIORITY..=MAX_PRIORITY).contains(&priority) {
            self.add(&["priority"], "invalid", format!("from -{MAX_PRIORITY} to {MAX_PRIORITY}"));
        }
        priority
    }

    pub(super) fn max_attempts(&mut self, retry: &RetryRequest) -> u32 {
        let attempts = retry.max_attempts.unwrap_or(1);
        if !(1..=MAX_ATTEMPTS).contains(&attempts) {
            self.add(&["retry", "max_attempts"], "invalid", format!("from 1 to {MAX_ATTEMPTS}"));
        }
        attempts
    }

    pub(super) fn queue_timeout(&mut self, asked: Option<u64>) -> Option<u64> {
        if asked.is_some_and(|time| !(1..=MAX_QUEUE_TIMEOUT_MS).contains(&time)) {
            self.add(&["queue_timeout_ms"], "invalid", format!("from 1 to {MAX_QUEUE_TIMEOUT_MS}, a week"));
        }
        asked
    }

    pub(super) fn callback(&mut self, asked: Option<&CallbackRequest>) -> Option<Callback> {
        let CallbackRequest { url, secret } = asked?;
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let plain = |c: char| c.is_ascii_graphic();
        if url.len() > MAX_URL
            || !url.chars().all(plain)
            || host.is_none_or(|h| h.starts_with(['/', '?', '#']))
        {
            let detail =
                format!("an `http` or `https` URL of at most {MAX_URL} bytes, its odd characters escaped");
            self.add(&["callback", "url"], "invalid", detail);
        }
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).unwrap_or_default();
        if !(24..=64).contains(&key.len()) {
            let detail = "24 to 64 bytes in base64, with or without the prefix `whsec_`";
            self.add(&["callback", "secret"], "invalid", detail);
        }
        Some(Callback { url: url.clone(), secret: key.into() })
    }

    pub(super) fn blob(&mut self, at: &[&str], digest: &str) -> Content {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            self.add(at, "invalid", "`sha256:` and 64 digits in lower-case hexadecimal");
        }
        Content::blob(digest)
    }
}
