//! One repository of one registry, as one caller: requests with credentials, and what answers mean.

use std::error::Error as _;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use url::Url;

use super::body;
use super::challenge::{Challenge, challenge};
use super::credentials::Credential;
use super::settings::Endpoint;
use super::token;
use super::trouble::{Again, Trouble};
use crate::Error;

pub(super) struct Session {
    pub(super) http: Client,
    pub(super) endpoint: Endpoint,
    pub(super) credential: Credential,
    repository: String,
    /// What a token is asked for: `repository:NAME:pull`, several with spaces between.
    scope: String,
    /// What was accepted last.
    authorization: Mutex<Option<HeaderValue>>,
}

impl Session {
    pub(super) fn new(
        http: Client,
        endpoint: Endpoint,
        credential: Credential,
        repository: &str,
        scope: String,
    ) -> Self {
        Self {
            http,
            endpoint,
            credential,
            repository: repository.to_owned(),
            scope,
            authorization: Mutex::default(),
        }
    }

    pub(super) fn registry(&self) -> String {
        self.endpoint.name.clone()
    }

    /// `/v2/NAME/REST`.
    pub(super) fn url(&self, rest: &str) -> Url {
        let mut url = self.endpoint.base.clone();
        url.set_path(&format!("/v2/{}/{rest}", self.repository));
        if let Some(registry) = &self.endpoint.mirror_of {
            url.query_pairs_mut().append_pair("ns", registry);
        }
        url
    }

    /// An answer of success. `what` is what 404 is about.
    pub(super) async fn send(
        &self,
        what: &str,
        build: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Response, Trouble> {
        let known = self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let first = self.attempt(&build, known).await?;
        if first.status() != StatusCode::UNAUTHORIZED {
            return self.judge(what, first).await;
        }
        let Some(authorization) = self.authorize(&first).await? else { return self.judge(what, first).await };
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(authorization.clone());
        let second = self.attempt(&build, Some(authorization)).await?;
        self.judge(what, second).await
    }

    async fn attempt(
        &self,
        build: &impl Fn(&Client) -> RequestBuilder,
        authorization: Option<HeaderValue>,
    ) -> Result<Response, Trouble> {
        let mut request = build(&self.http).build().map_err(|error| self.unreachable(error))?;
        // An upload's `Location` may be at a storage that must not hear who we are (CVE-2020-15157).
        if let Some(value) = authorization.filter(|_| request.url().origin() == self.endpoint.base.origin()) {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.http.execute(request).await.map_err(|error| self.unreachable(error))
    }

    /// `None`: with what we have, nothing can be done about it.
    async fn authorize(&self, refusal: &Response) -> Result<Option<HeaderValue>, Trouble> {
        let Some(asked) = challenge(refusal.headers()) else { return Ok(None) };
        match (asked, &self.credential) {
            (_, Credential::Bearer { token, .. }) => Ok(Some(token::header("Bearer", token.reveal())?)),
            (
                Challenge::Basic,
                Credential::Password { user, password, .. } | Credential::Given { user, password },
            ) => Ok(Some(token::basic(user, password)?)),
            (Challenge::Basic, _) => Ok(None),
            (Challenge::Bearer { realm, service }, _) => {
                token::fetch(self, realm, service.as_deref(), &self.scope).await.map(Some)
            }
        }
    }

    pub(super) async fn judge(&self, what: &str, response: Response) -> Result<Response, Trouble> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let said = body::refusal(response).await;
        let detail = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
        let registry = self.registry();
        let (error, again) = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (self.unauthorized(detail), Again::No),
            StatusCode::NOT_FOUND => (Error::ImageNotFound(format!("{what} at {registry}")), Again::No),
            StatusCode::TOO_MANY_REQUESTS => (
                Error::RegistryRefused { registry, detail },
                wait.map_or(Again::Soon, |seconds| Again::After(Duration::from_secs(seconds))),
            ),
            StatusCode::REQUEST_TIMEOUT => (Error::RegistryUnreachable { registry, detail }, Again::Soon),
            _ if status.is_server_error() => (Error::RegistryUnreachable { registry, detail }, Again::Soon),
            _ => (Error::RegistryRefused { registry, detail: format!("{what}: {detail}") }, Again::No),
        };
        Err(Trouble { error, again, status: Some(status) })
    }

    pub(super) fn unauthorized(&self, detail: String) -> Error {
        let registry = self.registry();
        let hint = self.credential.hint(&registry);
        Error::Unauthorized { registry, detail, hint }
    }

    /// Without the URL: after a redirect it may have a signature in it that is as good as a password.
    pub(super) fn unreachable(&self, error: reqwest::Error) -> Trouble {
        let error = error.without_url();
        let registry = self.registry();
        let mut again = if error.is_builder() || error.is_redirect() { Again::No } else { Again::Soon };
        let mut detail = error.to_string();
        let mut cause = error.source();
        let mut untrusted = false;
        while let Some(inner) = cause {
            detail = format!("{detail}: {inner}");
            untrusted |= is_of_certificate(inner);
            cause = inner.source();
        }
        let error = if untrusted {
            again = Again::No;
            Error::Untrusted { registry, detail }
        } else {
            Error::RegistryUnreachable { registry, detail }
        };
        Trouble { error, again, status: None }
    }
}

/// rustls tells its errors inside of IO's, one in another, which do not name them as their source.
fn is_of_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return is_of_certificate(inner);
    }
    matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { endpoint, repository, credential, .. } = self;
        let mut shown = f.debug_struct("Session");
        shown.field("endpoint", endpoint).field("repository", repository).field("credential", credential);
        shown.finish_non_exhaustive()
    }
}
