use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

/// What an operator says about registries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// By the name that references have: `docker.io`, `localhost:5000`.
    pub registries: BTreeMap<String, Registry>,
    /// In the form of Docker's `config.json`; in the place of the usual ones, see `credentials/`.
    pub registry_auth_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    /// Asked first, in this order, when an image is pulled: `https://mirror.example`.
    pub mirrors: Vec<String>,
    /// Without TLS. Loopback addresses are, unless this is `false` or `ca` is there; no other is, unless this is `true`.
    pub insecure: Option<bool>,
    /// Certificates of authorities (PEM) that are trusted for it, and for its mirrors without one of their own, besides the
    /// system's.
    pub ca: Option<PathBuf>,
}

/// Why settings are refused.
#[derive(Debug, Error)]
pub enum SettingsError {
    #[error("{0:?} is not the name of a registry: HOST or HOST:PORT is")]
    Name(String),
    #[error("mirror {mirror:?} of {registry}: {reason}")]
    Mirror { registry: String, mirror: String, reason: &'static str },
    #[error("{0} has `ca`, which is for TLS, and `insecure = true`, which is without")]
    CaWithoutTls(String),
    #[error("the certificates in {} cannot be used: {reason}", path.display())]
    Ca { path: PathBuf, reason: String },
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl Settings {
    /// The files that credentials are looked for in.
    pub fn credential_files(&self) -> Vec<PathBuf> {
        super::credentials::paths(self.registry_auth_file.as_deref())
    }
}

/// Where a registry is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// What credentials are looked up by: the name in references, or a mirror's host.
    pub(super) name: String,
    /// Scheme, host and port.
    pub(super) base: Url,
    /// A mirror is told whose image is wanted, by `ns`, as containerd does.
    pub(super) mirror_of: Option<String>,
    /// Authorities beside the system's.
    pub(super) ca: Option<PathBuf>,
}

const HUB: &str = "docker.io";
/// Where the Hub's registry is; `docker.io` itself is a web site.
const HUB_ADDRESS: &str = "registry-1.docker.io";

impl Settings {
    pub fn check(&self) -> Result<(), SettingsError> {
        for (name, registry) in &self.registries {
            if registry.ca.is_some() && registry.insecure == Some(true) {
                return Err(SettingsError::CaWithoutTls(name.clone()));
            }
            self.origin(name)?;
            for mirror in &registry.mirrors {
                self.mirror(name, mirror)?;
            }
        }
        Ok(())
    }

    /// Mirrors in their order, the registry itself last.
    pub(super) fn endpoints(&self, registry: &str) -> Result<Vec<Endpoint>, SettingsError> {
        let mirrors = self.registries.get(registry).map_or(&[][..], |registry| &registry.mirrors);
        let mut all = Vec::with_capacity(mirrors.len() + 1);
        for mirror in mirrors {
            all.push(self.mirror(registry, mirror)?);
        }
        all.push(self.origin(registry)?);
        Ok(all)
    }

    pub(super) fn origin(&self, registry: &str) -> Result<Endpoint, SettingsError> {
        let address = if registry == HUB { HUB_ADDRESS } else { registry };
        let refused = || SettingsError::Name(registry.to_owned());
        let secure = Url::parse(&format!("https://{address}")).map_err(|_| refused())?;
        if secure.path() != "/"
            || secure.query().is_some()
            || secure.fragment().is_some()
            || has_user(&secure)
        {
            return Err(refused());
        }
        let insecure = self.registries.get(registry).and_then(|registry| registry.insecure);
        let ca = self.ca(registry);
        let base = if insecure.unwrap_or_else(|| ca.is_none() && is_loopback(&secure)) {
            // Anew: the port that goes without saying is another one.
            Url::parse(&format!("http://{address}")).map_err(|_| refused())?
        } else {
            secure
        };
        Ok(Endpoint { name: registry.to_owned(), base, mirror_of: None, ca })
    }

    fn mirror(&self, registry: &str, mirror: &str) -> Result<Endpoint, SettingsError> {
        let refused =
            |reason| SettingsError::Mirror { registry: registry.into(), mirror: mirror.into(), reason };
        let base = Url::parse(mirror).map_err(|_| refused("it is not a URL"))?;
        if base.path() != "/" || base.query().is_some() || base.fragment().is_some() {
            return Err(refused("only scheme, host and port are taken"));
        }
        if has_user(&base) {
            // Without the credentials: errors are logged.
            let (mirror, reason) =
                (base.host_str().unwrap_or_default(), "credentials belong into the auth file");
            return Err(SettingsError::Mirror { registry: registry.into(), mirror: mirror.into(), reason });
        }
        let host = base.host_str().ok_or_else(|| refused("it has no host"))?;
        let name = base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let named =
            |name: &str| self.registries.get(name).and_then(|registry| registry.insecure) == Some(true);
        match base.scheme() {
            "https" => (),
            "http" if is_loopback(&base) || named(&name) || named(registry) => (),
            "http" => return Err(refused("plain HTTP needs `insecure = true`")),
            _ => return Err(refused("only https and http are taken")),
        }
        let ca = self.ca(&name).or_else(|| self.ca(registry));
        Ok(Endpoint { name, base, mirror_of: Some(registry.to_owned()), ca })
    }

    fn ca(&self, name: &str) -> Option<PathBuf> {
        self.registries.get(name)?.ca.clone()
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // RFC 6761 section 6.3: the name leads nowhere else.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
