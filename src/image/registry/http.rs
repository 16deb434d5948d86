use std::collections::HashMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::{Action, Attempt, Policy};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::settings::{Endpoint, SettingsError, is_loopback};

const CONNECT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Registries send to one storage; it has to send on nowhere.
const REDIRECTS: usize = 5;

/// For all registries, by the authorities that are trusted beside the system's. They know no credentials: `session.rs` puts them in,
/// request by request.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<HashMap<Option<PathBuf>, Trusting>>);

#[derive(Clone, Debug)]
pub(super) struct Trusting {
    downloads: Pair,
    /// Answers are not waited for by the clock: whoever sends watches for itself.
    uploads: Pair,
}

#[derive(Clone, Debug)]
struct Pair {
    /// By the proxy that the environment names, if it does.
    anywhere: reqwest::Client,
    /// No proxy: nobody is on the way.
    loopback: reqwest::Client,
}

impl Clients {
    /// Blocks the first time: it reads certificates. A file that could not be read may be there the next time.
    pub(super) fn trusting(&self, ca: Option<&Path>) -> Result<Trusting, SettingsError> {
        let ca = ca.map(Path::to_owned);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&ca).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Trusting::new(ca.as_deref())?;
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(ca).or_insert(made).clone())
    }
}

impl Trusting {
    fn new(ca: Option<&Path>) -> Result<Self, SettingsError> {
        let tls = tls(ca)?;
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

fn tls(ca: Option<&Path>) -> Result<ClientConfig, SettingsError> {
    let mut roots = RootCertStore::empty();
    // None at all is told by the first handshake that needs one: loopback registries need none.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        for certificate in authorities(path)? {
            roots.add(certificate).map_err(|error| refused(path, &error))?;
        }
    }
    // The provider is named: where a process has two among its dependencies, choosing by itself would panic.
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls(error.to_string()))?;
    Ok(tls.with_root_certificates(roots).with_no_client_auth())
}

fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let text = fs::read(path).map_err(|error| refused(path, &error))?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| refused(path, &error))?;
    if all.is_empty() { Err(refused(path, &"there are none in it")) } else { Ok(all) }
}

fn refused(path: &Path, reason: &dyn Display) -> SettingsError {
    SettingsError::Ca { path: path.to_owned(), reason: reason.to_string() }
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
