//! Images from and to registries, by the OCI distribution protocol (distribution-spec 1.1) over HTTP.
//!
//! A registry is not trusted: what it sends is bounded, held against the digest that was asked for, and never taken for more
//! than bytes. Whether it may be asked at all is for the caller to decide: names are followed wherever they lead.
//!
//! ```text
//! Client::find ─▶ mirrors in their order, then the registry ─▶ Route, and what the name stands for
//! Route::manifest, Route::fetch      by digest: resumed, retried, from the next mirror if need be
//! Client::push                       the blobs that the registry lacks, then the manifest
//! ```
//!
//! The crate oci-client is not used for this. Version 0.18 reads manifests, tokens and the bodies of errors into memory whatever
//! their size, panics over a token that no header may have, and sends a password to a realm without TLS.

mod body;
mod challenge;
mod credentials;
mod fetch;
mod find;
mod http;
mod push;
mod retry;
mod secret;
mod session;
mod settings;
mod token;
mod trouble;

use std::sync::Arc;

use oci_spec::distribution::Reference;
use tokio::sync::Semaphore;

pub(crate) use find::{Route, Sent};
pub(crate) use push::Push;
pub use settings::{Registry, Settings, SettingsError};

use crate::Error;
use crate::store::aside;
use credentials::Credential;
use http::{Clients, Trusting};
use secret::Secret;
use session::Session;
use settings::Endpoint;

/// Blobs on their way at one time, of all pulls together.
const DOWNLOADS: usize = 16;

#[derive(Clone, Debug)]
pub(crate) struct Client(Arc<Inner>, Option<Login>);

/// Who somebody is at whatever registry they name.
#[derive(Clone, Debug)]
struct Login {
    user: String,
    password: Secret,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    /// From the first pull or push on: most processes never need them.
    clients: Clients,
    downloads: Semaphore,
}

impl Client {
    pub(crate) fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let downloads = Semaphore::new(DOWNLOADS);
        Ok(Self(Arc::new(Inner { settings, clients: Clients::default(), downloads }), None))
    }

    pub(crate) fn logged_in(&self, user: String, password: String) -> Self {
        Self(Arc::clone(&self.0), Some(Login { user, password: Secret::new(password) }))
    }

    /// With the mirrors' own credentials, never the registry's.
    async fn pulling(&self, reference: &Reference) -> Result<Vec<Session>, Error> {
        let scope = format!("repository:{}:pull", reference.repository());
        let mut sessions = Vec::new();
        for endpoint in self.0.settings.endpoints(reference.registry()).map_err(invalid)? {
            let credential = self.credential(&endpoint, reference.repository()).await?;
            let http = self.trusting(&endpoint).await?.downloads(&endpoint);
            sessions.push(Session::new(http, endpoint, credential, reference.repository(), scope.clone()));
        }
        Ok(sessions)
    }

    async fn trusting(&self, endpoint: &Endpoint) -> Result<Trusting, Error> {
        let (inner, ca) = (Arc::clone(&self.0), endpoint.ca.clone());
        let registry = endpoint.name.clone();
        aside(move || inner.clients.trusting(ca.as_deref()).map_err(|error| untrusting(error, registry)))
            .await
    }

    async fn credential(&self, endpoint: &Endpoint, repository: &str) -> Result<Credential, Error> {
        if let (Some(Login { user, password }), None) = (&self.1, &endpoint.mirror_of) {
            return Ok(Credential::Given { user: user.clone(), password: password.clone() });
        }
        let file = self.0.settings.registry_auth_file.clone();
        let (registry, repository) = (endpoint.name.clone(), repository.to_owned());
        aside(move || credentials::find(file.as_deref(), &registry, &repository)).await
    }
}

/// A reference's host may be one that is none for a URL.
fn invalid(error: SettingsError) -> Error {
    let why = error.to_string();
    match error {
        SettingsError::Name(reference) => Error::InvalidReference { reference, why },
        _ => Error::Internal(why),
    }
}

/// Of the operator's files, which are there or not whatever was checked before.
fn untrusting(error: SettingsError, registry: String) -> Error {
    match error {
        SettingsError::Ca { .. } => Error::Untrusted { registry, detail: error.to_string() },
        other => invalid(other),
    }
}

#[cfg(test)]
mod tests;
