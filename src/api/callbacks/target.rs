//! Where a callback goes: its URL taken apart, and the addresses behind it that it may go to.

use std::io;
use std::net::SocketAddr;

use axum::http::HeaderValue;
use url::{Host, Url};

use super::address::{Allow, public};

#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("no URL: {0}")]
    Syntax(#[from] url::ParseError),
    #[error("a URL of `http` or `https`")]
    Scheme,
    #[error("a URL without a user name or password: the signature says who calls")]
    Credentials,
    #[error("the name of its host cannot be resolved: {0}")]
    Resolve(io::Error),
    #[error("its host has no public address, and the operator allows no other for it")]
    Refused,
}

#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) host: Host<String>,
    pub(super) port: u16,
    /// For the header `Host`.
    pub(super) authority: HeaderValue,
    /// Path and query.
    pub(super) path: String,
}

impl Target {
    /// The parser makes of every way to write an IPv4 address (`0x7f.1`, `2130706433`) the address.
    pub(super) fn parse(url: &str) -> Result<Self, TargetError> {
        let url = Url::parse(url)?;
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(TargetError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        // These two schemes have both.
        let (host, port) = url.host().zip(url.port_or_known_default()).ok_or(TargetError::Scheme)?;
        let authority = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let authority = HeaderValue::try_from(authority).map_err(|_| TargetError::Scheme)?;
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self { tls, host: host.to_owned(), port, authority, path: format!("{}{query}", url.path()) })
    }

    /// Who is called, as it is logged: without path and query, which may hold a secret.
    pub(super) fn receiver(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// What is wrong already, before any name is resolved.
    pub(super) fn check(&self, allow: &[Allow]) -> Result<(), TargetError> {
        self.literal().is_none_or(|address| allowed(address, allow)).then_some(()).ok_or(TargetError::Refused)
    }

    /// Those that it may go to. Who calls must connect to one of these and resolve nothing again: the name may have
    /// another answer by then.
    pub(super) async fn addresses(&self, allow: &[Allow]) -> Result<Vec<SocketAddr>, TargetError> {
        let all = match (&self.host, self.literal()) {
            (Host::Domain(name), _) => {
                let found = tokio::net::lookup_host((name.as_str(), self.port)).await;
                found.map_err(TargetError::Resolve)?.collect()
            }
            (_, literal) => Vec::from_iter(literal),
        };
        let addresses: Vec<_> = all.into_iter().filter(|address| allowed(*address, allow)).collect();
        if addresses.is_empty() { Err(TargetError::Refused) } else { Ok(addresses) }
    }

    fn literal(&self) -> Option<SocketAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some((ip, self.port).into()),
            Host::Ipv6(ip) => Some((ip, self.port).into()),
        }
    }
}

pub(super) fn listed(address: SocketAddr, allow: &[Allow]) -> bool {
    allow.iter().any(|rule| rule.holds(address))
}

fn allowed(address: SocketAddr, allow: &[Allow]) -> bool {
    public(address.ip()) || listed(address, allow)
}

#[cfg(test)]
mod tests;
