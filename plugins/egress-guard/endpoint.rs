//! `pypi.org:443`, `10.0.0.1:5432`, `[2001:db8::1]:443`: where a connection goes, and rules for it.

use stockade_policy::glob;
use stockade_policy::prelude::*;

/// Of a rule that names no port.
const DEFAULT_PORT: &str = "443";
const ANY_PORT: &str = "*";

#[derive(Debug)]
pub(crate) struct Endpoint<'a> {
    pub(crate) text: &'a str,
    host: String,
    /// None where the job leaves the port open: only a rule for all ports covers that.
    port: Option<u16>,
}

impl<'a> Endpoint<'a> {
    /// As a job names it.
    pub(crate) fn parse(text: &'a str) -> Self {
        let (host, port) = split(text);
        match port.map(str::parse) {
            Some(Ok(port)) => Self { text, host: plain(host), port: Some(port) },
            None => Self { text, host: plain(host), port: None },
            // No port and no host: nothing matches it.
            Some(Err(_)) => Self { text, host: String::new(), port: None },
        }
    }

    pub(crate) fn new(host: &'a str, port: u16) -> Self {
        Self { text: host, host: plain(host), port: Some(port) }
    }

    pub(crate) fn matches(&self, rule: &str) -> bool {
        let (host, port) = split(rule);
        let port = port.unwrap_or(DEFAULT_PORT);
        let port_fits = port == ANY_PORT || self.port.is_some_and(|own| port.parse() == Ok(own));
        let host = plain(host);
        // A pattern for names must not let through the cloud's metadata service or the operator's own network.
        port_fits
            && !self.host.is_empty()
            && is_address(&host) == is_address(&self.host)
            && glob::matches(&host, &self.host)
    }
}

pub(crate) fn check_rule(rule: &str) -> Result<(), &'static str> {
    let (host, port) = split(rule);
    if host.is_empty() || host.contains(char::is_whitespace) || host.contains('/') {
        return Err("is no host: write a name, a pattern such as `*.example.org`, or an address");
    }
    match port {
        None | Some(ANY_PORT) => Ok(()),
        Some(port) if port.parse().is_ok_and(|port: u16| port > 0) => Ok(()),
        Some(_) => Err("has no port from 1 to 65535 behind the colon; `*` is any port"),
    }
}

/// Host and port; an IPv6 address with a port is in brackets.
fn split(text: &str) -> (&str, Option<&str>) {
    if let Some(rest) = text.strip_prefix('[')
        && let Some((host, behind)) = rest.split_once(']')
    {
        return (host, behind.strip_prefix(':'));
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => (text, None),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}

/// As it is compared: lower case, without the dot that ends a full name, without brackets.
fn plain(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Also what only some resolvers take for one: `127.1`, `2130706433`, `0x7f000001`. No public name ends in a number.
fn is_address(host: &str) -> bool {
    if host.contains(':') {
        return true;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal =
        |text: &str| text.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    // `10.1.*.*` is a rule for addresses, `*.example.org` and `*` are for names.
    number(last) || hexadecimal(last) || (last == "*" && host.split('.').next().is_some_and(number))
}
