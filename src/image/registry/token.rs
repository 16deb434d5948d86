//! Tokens of a registry's token server (Docker Registry v2 token authentication, and its OAuth 2 form).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::body;
use super::credentials::Credential;
use super::secret::Secret;
use super::session::Session;
use super::trouble::Trouble;
use crate::Error;

const LARGEST: u64 = 64 << 10;

/// Two names for one thing: Docker's and OAuth's.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

pub(super) async fn fetch(
    session: &Session,
    realm: Url,
    service: Option<&str>,
    scope: &str,
) -> Result<HeaderValue, Trouble> {
    // Who may listen on the way to the realm has the token, and the password: no worse than the way to the registry.
    if realm.scheme() != "https" && session.endpoint.base.scheme() == "https" {
        let detail = format!("its tokens come from {}, without TLS", realm.origin().ascii_serialization());
        return Err(Error::RegistryRefused { registry: session.registry(), detail }.into());
    }
    let request = match &session.credential {
        Credential::Refresh { token, .. } => post(&session.http, realm, service, scope, token),
        Credential::Password { user, password, .. } | Credential::Given { user, password } => {
            get(&session.http, realm, service, scope).header(AUTHORIZATION, basic(user, password)?)
        }
        _ => get(&session.http, realm, service, scope),
    };
    let response = request.send().await.map_err(|error| session.unreachable(error))?;
    let response = session.judge("a token", response).await.map_err(|trouble| denied(session, trouble))?;
    let bytes = body::document(session, "a token", response, LARGEST).await?;
    let unusable = || {
        let detail = "its token server answers with something else than a token".to_owned();
        Trouble::from(Error::RegistryRefused { registry: session.registry(), detail })
    };
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| unusable())?;
    let token =
        answer.token.filter(|token| !token.is_empty()).or(answer.access_token).ok_or_else(unusable)?;
    header("Bearer", &token).map_err(|_| unusable())
}

/// Token servers have said 400, 401, 403 and 404 to a wrong password.
fn denied(session: &Session, trouble: Trouble) -> Trouble {
    match trouble.status {
        Some(status) if status.is_client_error() && trouble.again == super::trouble::Again::No => {
            session.unauthorized(format!("its token server says {status}")).into()
        }
        _ => trouble,
    }
}

fn get(http: &Client, mut realm: Url, service: Option<&str>, scope: &str) -> RequestBuilder {
    let mut query = realm.query_pairs_mut();
    if let Some(service) = service {
        query.append_pair("service", service);
    }
    for scope in scope.split(' ') {
        query.append_pair("scope", scope);
    }
    drop(query);
    http.get(realm)
}

fn post(http: &Client, realm: Url, service: Option<&str>, scope: &str, refresh: &Secret) -> RequestBuilder {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("client_id", "stockade");
    form.append_pair("service", service.unwrap_or_default()).append_pair("scope", scope);
    form.append_pair("refresh_token", refresh.reveal());
    http.post(realm).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.finish())
}

/// RFC 7617.
pub(super) fn basic(user: &str, password: &Secret) -> Result<HeaderValue, Error> {
    header("Basic", &STANDARD.encode(format!("{user}:{}", password.reveal())))
}

pub(super) fn header(scheme: &str, value: &str) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::try_from(format!("{scheme} {value}")).map_err(|_| {
        Error::Internal("a credential for a registry has characters that no header may have".into())
    })?;
    // Kept out of the HTTP library's own logs.
    header.set_sensitive(true);
    Ok(header)
}
