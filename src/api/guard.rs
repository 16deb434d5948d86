//! Keeps web pages away from a server that trusts whoever can reach it. A page cannot read our answers across origins,
//! but it can post blindly, and with DNS rebinding (its own name, our address) it could read as well.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, Version, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Problem;
use crate::serve::Peer;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const SEC_FETCH_SITE: &str = "sec-fetch-site";

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GuardError {
    #[error("exactly one valid `Host` header is needed")]
    Host,
    #[error("this server does not answer under this host name; the operator can allow it")]
    Misdirected,
    #[error("requests from web pages of other sites are refused")]
    CrossSite,
}

/// The names, besides loopback, under which this server answers.
#[derive(Clone, Debug)]
pub(crate) struct Guard(Arc<[String]>);

pub(crate) async fn guard(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    // No name leads to a unix socket, so none can be rebound to it; clients send any.
    if !matches!(request.extensions().get::<Peer>(), Some(Peer::Unix { .. })) {
        guard.check_host(request.version(), request.uri(), request.headers())?;
    }
    guard.same_site(request.headers())?;
    Ok(next.run(request).await)
}

impl Guard {
    pub(crate) fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| bracketed(name)).collect())
    }

    fn check_host(&self, version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), GuardError> {
        let mut hosts = headers.get_all(header::HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => {
                let name = host.to_str().ok().and_then(name_of).ok_or(GuardError::Host)?;
                self.allows(name).then_some(()).ok_or(GuardError::Misdirected)?;
            }
            // RFC 9112 §3.2: before HTTP/1.1 there was no `Host`; since then there is exactly one.
            (None, None) if version < Version::HTTP_11 => (),
            _ => return Err(GuardError::Host),
        }
        // RFC 9112 §3.2.2: a target in absolute form outranks `Host`, so it must pass as well.
        if let Some(authority) = uri.authority() {
            let name = name_of(authority.as_str()).ok_or(GuardError::Host)?;
            self.allows(name).then_some(()).ok_or(GuardError::Misdirected)?;
        }
        Ok(())
    }

    fn same_site(&self, headers: &HeaderMap) -> Result<(), GuardError> {
        let ours = |origin: &str| {
            let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            host.and_then(name_of).is_some_and(|name| self.allows(name))
        };
        // `Origin: null` (sandboxed frames, redirects) is nobody's, so it is not ours.
        let foreign = headers.get_all(header::ORIGIN).iter().any(|origin| !origin.to_str().is_ok_and(ours));
        let cross = headers.get_all(SEC_FETCH_SITE).iter().any(|site| site.as_bytes() == b"cross-site");
        if foreign || cross { Err(GuardError::CrossSite) } else { Ok(()) }
    }

    fn allows(&self, name: &str) -> bool {
        let configured = self.0.iter().map(String::as_str);
        LOOPBACK.into_iter().chain(configured).any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// The host of `host[:port]`, brackets of an IPv6 address kept. Any port will do: it does not say who asks.
fn name_of(authority: &str) -> Option<&str> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (name, port) = authority.split_at(end);
    let port = if port.is_empty() { "" } else { port.strip_prefix(':')? };
    let number = port.bytes().all(|b| b.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok());
    (number && !name.is_empty()).then_some(name)
}

fn bracketed(name: &str) -> String {
    let bare = name.contains(':') && !name.starts_with('[');
    if bare { format!("[{name}]") } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
