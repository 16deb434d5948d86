use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::{Action, Attempt, Policy};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::settings::{Endpoint, SettingsError, is_loopback};

const CONNECT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Registries send to one storage; it has to send on nowhere.
const REDIRECTS: usize = 5;

/// For all registries. They know no credentials: `session.rs` puts them in, request by request.
#[derive(Debug)]
pub(super) struct Clients {
    downloads: Pair,
    /// Answers are not waited for by the clock: whoever sends watches for itself.
    uploads: Pair,
}

#[derive(Debug)]
struct Pair {
    /// By the proxy that the environment names, if it does.
    anywhere: reqwest::Client,
    /// Loopback goes without TLS because nobody is on the way: no proxy either.
    loopback: reqwest::Client,
}

impl Clients {
    /// Blocks: it reads the host's certificates.
    pub(super) fn new() -> Result<Self, SettingsError> {
        let tls = tls()?;
        let pair = |set: fn(ClientBuilder) -> ClientBuilder| {
            let builder = || set(builder(tls.clone()));
            let (anywhere, loopback) = (build(builder())?, build(builder().no_proxy())?);
            Ok(Pair { anywhere, loopback })
        };
        Ok(Self {
            downloads: pair(|builder| builder.read_timeout(SILENCE))?,
            uploads: pair(|builder| builder)?,
        })
    }

    pub(super) fn downloads(&self, endpoint: &Endpoint) -> reqwest::Client {
        self.downloads.to(endpoint)
    }

    pub(super) fn uploads(&self, endpoint: &Endpoint) -> reqwest::Client {
        self.uploads.to(endpoint)
    }
}

impl Pair {
    fn to(&self, endpoint: &Endpoint) -> reqwest::Client {
        if is_loopback(&endpoint.base) { self.loopback.clone() } else { self.anywhere.clone() }
    }
}

fn tls() -> Result<ClientConfig, SettingsError> {
    let mut roots = RootCertStore::empty();
    // None at all is told by the first handshake that needs one: loopback registries need none.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // The provider is named: where a process has two among its dependencies, choosing by itself would panic.
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls(error.to_string()))?;
    Ok(tls.with_root_certificates(roots).with_no_client_auth())
}

fn builder(tls: ClientConfig) -> ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("stockade/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(Policy::custom(follow))
        .referer(false)
}

fn build(builder: ClientBuilder) -> Result<reqwest::Client, SettingsError> {
    builder.build().map_err(|error| SettingsError::Tls(error.without_url().to_string()))
}

/// Never from TLS to without.
fn follow(attempt: Attempt<'_>) -> Action {
    let was_secure = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if attempt.previous().len() > REDIRECTS {
        attempt.error("it redirects too often")
    } else if was_secure && attempt.url().scheme() != "https" {
        attempt.error("it redirects from https to http")
    } else {
        attempt.follow()
    }
}
