//! Images to registries.

use std::sync::Arc;

use super::Images;
use super::look::{not_found, take};
use crate::registry;
use crate::store::documents::{Document, expected_document};
use crate::store::names::normal;
use crate::store::{Lease, Store, manifests};
use crate::{Error, Progress};

/// What is to be sent where.
#[derive(Clone, Debug)]
pub struct Push {
    /// An image of the store, as this tenant sees it.
    pub reference: String,
    pub tenant: Option<String>,
    /// Under another name than `reference`.
    pub to: Option<String>,
}

impl Images {
    /// The digest of the manifest that is now there. What was pulled is pushed byte for byte.
    pub async fn push(&self, push: Push, progress: Arc<dyn Progress>) -> Result<String, Error> {
        let name = push.to.as_deref().unwrap_or(&push.reference);
        let to = normal(name)?;
        let (host, repository) = (to.registry().to_owned(), to.repository().to_owned());
        let Push { reference, tenant, .. } = push.clone();
        let taken =
            move |store: &Store| take_whole(store, tenant.as_deref(), &reference, (&host, &repository));
        let (sent, _lease) = self.0.store.blocking(taken).await?;
        if to.digest().is_some_and(|digest| digest != sent.digest) {
            let why = format!("the image is {}", sent.digest);
            return Err(Error::InvalidReference { reference: name.to_owned(), why });
        }
        self.0.registries.push(&self.0.store, &to, &sent, &*progress).await?;
        Ok(sent.digest)
    }
}

/// All that is sent, and what keeps it in the store.
fn take_whole(
    store: &Store,
    tenant: Option<&str>,
    reference: &str,
    (host, repository): (&str, &str),
) -> Result<(registry::Push, Lease), Error> {
    let (digest, lease) = take(store, tenant, reference)?;
    let (row, places, names) = store.db().read(|db| {
        let names = manifests::names(db, Some(tenant.unwrap_or_default()))?.remove(&digest);
        Ok((manifests::row(db, &digest)?, manifests::places(db, &digest)?, names.unwrap_or_default()))
    })?;
    let row = row.ok_or_else(|| not_found(reference))?;
    let manifest = store.document(&digest)?;
    let Document::Image(parsed) = Document::parse(&manifest, Some(&row.media_type))? else {
        return Err(Error::Internal(format!("{digest} is recorded as an image and is none")));
    };
    let mut blobs = vec![expected_document(parsed.config())?];
    // The same layer may be there twice.
    for place in places {
        if !blobs.contains(&place.blob) {
            blobs.push(place.blob);
        }
    }
    let others = names.iter().filter_map(|(_, name)| normal(name).ok());
    let elsewhere = others.filter(|other| other.registry() == host && other.repository() != repository);
    let elsewhere = elsewhere.map(|other| other.repository().to_owned()).collect();
    Ok((registry::Push { manifest, digest, media_type: row.media_type, blobs, elsewhere }, lease))
}
