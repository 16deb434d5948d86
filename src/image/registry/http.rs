use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::{Action, Attempt, Policy};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::SettingsError;

const CONNECT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Registries send to one storage; it has to send on nowhere.
const REDIRECTS: usize = 5;

/// One for all registries. It knows no credentials: `session.rs` puts them in, request by request.
pub(super) fn client() -> Result<reqwest::Client, SettingsError> {
    build(builder()?.read_timeout(SILENCE))
}

/// Whoever sends watches for itself.
pub(super) fn uploads() -> Result<reqwest::Client, SettingsError> {
    build(builder()?)
}

fn builder() -> Result<ClientBuilder, SettingsError> {
    let mut roots = RootCertStore::empty();
    // None at all is told by the first handshake that needs one: loopback registries need none.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // The provider is named: where a process has two among its dependencies, choosing by itself would panic.
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls);
    Ok(builder
        .user_agent(concat!("stockade/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(Policy::custom(follow))
        .referer(false))
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
