use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::output::Failure;

pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tls {
    pub(crate) fn new(host: &str, cacert: Option<&Path>) -> Result<Self, Failure> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| Failure::caused(&format!("--server: `{host}`"), &error))?;
        let roots = match cacert {
            Some(file) => named(file)?,
            None => the_systems()?,
        };
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| Failure::caused("cannot prepare TLS", &error))?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: Arc::new(config).into(), name })
    }

    pub(crate) async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

fn named(file: &Path) -> Result<RootCertStore, Failure> {
    let refused = |error: &dyn std::error::Error| {
        Failure::caused(&format!("--cacert {}", file.display()), error)
            .hint("name a file of PEM certificates")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| refused(&error))? {
        let certificate = certificate.map_err(|error| refused(&error))?;
        roots.add(certificate).map_err(|error| refused(&error))?;
    }
    if roots.is_empty() {
        return Err(Failure::new(format!("--cacert {}: there is no certificate in it", file.display())));
    }
    Ok(roots)
}

/// One that cannot be read trusts nobody, and the others may do.
fn the_systems() -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let failure = Failure::new("this system has no certificates to trust");
        return Err(failure.hint("install `ca-certificates`, or name the server's by `--cacert`"));
    }
    Ok(roots)
}
