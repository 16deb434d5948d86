//! From a request to its caller, or to a 401 (RFC 9110 §15.5.2, RFC 6750 §3).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::credential::{CredentialError, bearer};
use super::failures::Failures;
use super::live::Live;
use super::tokens::{DEFAULT_TENANT, TokensError};
use super::{Caller, Roles};
use crate::problem::{Code, Problem};
use crate::serve::Peer;

/// What is told to anybody: whether the server lives, what it is, and how to talk to it. Compared as it was sent, as
/// routes are.
const PUBLIC: [&str; 5] = ["/healthz", "/readyz", "/version", "/openapi.json", "/docs"];
const PUBLIC_BELOW: &str = "/docs/";

/// Who is let in, and as whom.
#[derive(Clone, Debug)]
pub struct Callers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` where there is no place for a token file.
    tokens: Option<Arc<Live>>,
    /// Whose processes are administrators on a unix socket: whoever runs as one of these could read the state
    /// directory or trace the server anyway.
    trusted: [u32; 2],
    failures: Failures,
}

impl Callers {
    /// Everybody, as one tenant with all roles. For servers that only this host reaches.
    pub fn anonymous() -> Self {
        Self::new(None, 0)
    }

    /// By the tokens of this file; anybody as long as there is none. `uid` is this process's own. Reads the file.
    pub fn open(file: PathBuf, uid: u32) -> Result<Self, TokensError> {
        Ok(Self::new(Some(Live::open(file)?), uid))
    }

    fn new(tokens: Option<Live>, uid: u32) -> Self {
        let tokens = tokens.map(Arc::new);
        Self(Arc::new(Inner { tokens, trusted: [0, uid], failures: Failures::default() }))
    }

    /// How many tokens are taken now; `None` where nobody needs one.
    pub fn usable_tokens(&self) -> Option<usize> {
        let seen = self.0.tokens.as_ref()?.seen();
        Some(seen.tokens.as_ref()?.usable(Timestamp::now()))
    }

    /// Reads the tokens again. Where anything is wrong with them, those in force stay, and the log says so.
    pub async fn reload(&self) {
        if let Some(tokens) = &self.0.tokens {
            tokens.reload().await;
        }
    }

    async fn identify(&self, headers: &HeaderMap, peer: Option<Peer>) -> Result<Caller, CredentialError> {
        let Some(live) = &self.0.tokens else { return Ok(Caller::anonymous()) };
        let seen = live.current().await;
        let Some(tokens) = &seen.tokens else { return Ok(Caller::anonymous()) };
        match (bearer(headers), peer) {
            (Ok(token), _) => tokens.find(token, Timestamp::now()).cloned().ok_or(CredentialError::Invalid),
            // Who shows a token is taken by it, even where none is needed.
            (Err(CredentialError::Missing), Some(Peer::Unix { uid })) if self.0.trusted.contains(&uid) => {
                Ok(administrator(uid))
            }
            (Err(error), _) => Err(error),
        }
    }

    fn refuse(&self, error: CredentialError, peer: Option<Peer>) -> Response {
        if let Some(tally) = self.0.failures.add(Instant::now()) {
            let from = peer.map(|peer| peer.to_string()).unwrap_or_default();
            tracing::warn!(from, refused = tally.since, total = tally.total, "caller refused: {error}");
        }
        let (code, challenge) = match error {
            // RFC 6750 §3.1: no error code for who showed nothing that could be wrong.
            CredentialError::Missing | CredentialError::Scheme => {
                (Code::Unauthorized, r#"Bearer realm="stockade""#)
            }
            CredentialError::Several | CredentialError::Invalid => {
                (Code::InvalidToken, r#"Bearer realm="stockade", error="invalid_token""#)
            }
        };
        let mut response = Problem::new(code, error.to_string()).into_response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        response
    }
}

fn administrator(uid: u32) -> Caller {
    Caller { tenant: DEFAULT_TENANT.into(), submitter: format!("uid:{uid}"), roles: Roles::ALL }
}

pub(crate) async fn authenticate(
    State(callers): State<Callers>,
    mut request: Request,
    next: Next,
) -> Response {
    if is_public(request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().copied();
    match callers.identify(request.headers(), peer).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => callers.refuse(error, peer),
    }
}

fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path) || path.starts_with(PUBLIC_BELOW)
}

#[cfg(test)]
mod tests;
