//! Whom `https` callbacks trust: the certificates that the system trusts, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
//! So a receiver with a certificate of the operator's own authority needs no setting of ours.

use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, crypto::ring};

#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    #[error("this host trusts no certificate at all; install `ca-certificates`, or set `SSL_CERT_FILE`")]
    Empty,
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
    #[error("the certificates of the system were not read to their end: {0}")]
    Unread(#[from] tokio::task::JoinError),
}

/// Read when they are needed for the first time, most daemons never send a callback.
#[derive(Default)]
pub(super) struct Trust(OnceCell<TlsConnector>);

impl Trust {
    pub(super) async fn connector(&self) -> Result<&TlsConnector, TrustError> {
        self.0.get_or_try_init(|| async { tokio::task::spawn_blocking(system).await? }).await
    }
}

#[cfg(test)]
impl Trust {
    pub(super) fn only(roots: RootCertStore) -> Self {
        Self(OnceCell::new_with(connector(roots).ok()))
    }
}

fn system() -> Result<TlsConnector, TrustError> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!("a certificate of the system cannot be used: {error}");
    }
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        return Err(TrustError::Empty);
    }
    connector(roots)
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, TrustError> {
    // Named, because a process-wide default could be another one, or none.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
