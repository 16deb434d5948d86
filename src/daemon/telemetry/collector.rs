//! A collector, and the client that posts to it: on the daemon's runtime, with its roots for TLS, and without belief in
//! what comes back.

use std::error::Error;
use std::fmt;
use std::iter::successors;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;

const CONNECT: Duration = Duration::from_secs(3);
/// From the first look-up to the last byte of the answer; `OTEL_EXPORTER_OTLP_TIMEOUT` may make it shorter.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a collector has to say is short; the rest is not read.
const MOST: usize = 64 << 10;

/// The whole URL, or what the environment says (`OTEL_EXPORTER_OTLP_…`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Collector {
    At(String),
    OfEnvironment,
}

impl Collector {
    pub(super) fn endpoint(&self) -> Option<&str> {
        match self {
            Self::At(url) => Some(url),
            Self::OfEnvironment => None,
        }
    }
}

/// For all signals. Blocks: it reads the host's certificates.
pub(super) fn http() -> anyhow::Result<reqwest::Client> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // The provider is named: where a process has two among its dependencies, choosing by itself would panic.
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        .timeout(PATIENCE)
        // Headers may have a collector's key in them.
        .redirect(Policy::none())
        .build()
        .context("cannot make a client for OTLP")
}

/// Of one signal.
pub(super) struct Client {
    http: reqwest::Client,
    runtime: Handle,
    /// Told once, not with each attempt.
    fails: AtomicBool,
}

impl Client {
    /// On a runtime.
    pub(super) fn new(http: &reqwest::Client) -> Self {
        Self { http: http.clone(), runtime: Handle::current(), fails: AtomicBool::new(false) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Client {
    /// Called by a thread of the SDK's, which is no part of the runtime.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri().clone();
        let sent = self.runtime.spawn(post(self.http.clone(), request)).await;
        let answer = sent.map_err(HttpError::from).and_then(|answer| answer);
        let trouble = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(with_causes(error.as_ref())),
        };
        match (self.fails.swap(trouble.is_some(), Relaxed), trouble) {
            (false, Some(trouble)) => {
                tracing::warn!(
                    host = uri.host(),
                    path = uri.path(),
                    "the collector takes nothing: {trouble}"
                );
            }
            (true, None) => {
                tracing::info!(
                    host = uri.host(),
                    path = uri.path(),
                    "the collector takes what is sent again"
                );
            }
            _ => (),
        }
        answer
    }
}

/// By itself it says no more than that a request was not sent.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = successors(error.source(), |cause| Error::source(*cause));
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn post(http: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = request.into_parts();
    let request = http.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
    let mut answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let mut builder = Response::builder().status(answer.status());
    if let Some(headers) = builder.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let mut said = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if said.len() + piece.len() > MOST {
            return Err(format!("its answer has more than {MOST} bytes").into());
        }
        said.extend_from_slice(&piece);
    }
    Ok(builder.body(Bytes::from(said))?)
}
