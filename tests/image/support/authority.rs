use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use support::Temp;

/// An authority that nobody's system knows.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: Temp,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        Self { issuer, folder: Temp::new() }
    }

    /// Its certificate, as settings name it.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.file("ca.pem", self.issuer.pem())
    }

    /// A certificate and its key for loopback.
    pub(super) fn issued(&self, to: &Temp) -> (PathBuf, PathBuf) {
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (to.file("registry.pem", certificate.pem()), to.file("registry.key", key.serialize_pem()))
    }
}
