use sandbox::ImageLayer;

use super::Images;
use super::look::{name_of, not_found, take};
use crate::Error;
use crate::store::{Lease, Store, manifests};

/// What a job runs on.
#[derive(Debug)]
pub struct Resolved {
    pub image: model::Image,
    /// The topmost first.
    pub layers: Vec<ImageLayer>,
    /// Until it is dropped, the image stays.
    pub lease: Lease,
}

impl Images {
    /// For a job of this tenant: its own names come before everybody's.
    pub async fn resolve(&self, tenant: Option<&str>, reference: &str) -> Result<Resolved, Error> {
        let (tenant, reference) = (tenant.map(str::to_owned), reference.to_owned());
        self.0.store.blocking(move |store| resolve(store, tenant.as_deref(), &reference)).await
    }
}

fn resolve(store: &Store, tenant: Option<&str>, reference: &str) -> Result<Resolved, Error> {
    let (digest, lease) = take(store, tenant, reference)?;
    let found = store.db().read(|db| {
        let (_, name) = name_of(db, tenant, reference, &digest)?;
        Ok(manifests::for_job(db, &digest)?.map(|found| (found, name)))
    })?;
    let ((setup, layers), name) = found.ok_or_else(|| not_found(reference))?;
    let image = model::Image {
        reference: name,
        digest,
        env: setup.env,
        user: setup.user,
        workdir: setup.workdir,
        entrypoint: setup.entrypoint,
        command: setup.command,
        passwd: setup.passwd,
        group: setup.group,
    };
    Ok(Resolved { image, layers, lease })
}
