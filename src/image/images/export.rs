//! Images into files.

use std::fs::File;

use super::Images;
use super::look::{name_of, not_found, take};
use crate::Error;
use crate::archive::write::{Format, Image, write};
use crate::store::Store;
use crate::store::manifests::{places, row};
use crate::tool::Expected;

impl Images {
    /// `out` may be a pipe. Manifest, config and layers are byte for byte those that were pulled, imported or committed.
    pub async fn export(
        &self,
        tenant: Option<&str>,
        reference: &str,
        format: Format,
        out: File,
    ) -> Result<(), Error> {
        let (tenant, reference) = (tenant.map(str::to_owned), reference.to_owned());
        self.0.store.blocking(move |store| export(store, tenant.as_deref(), &reference, format, out)).await
    }
}

fn export(
    store: &Store,
    tenant: Option<&str>,
    reference: &str,
    format: Format,
    out: File,
) -> Result<(), Error> {
    let (digest, _lease) = take(store, tenant, reference)?;
    let found = store.db().read(|db| {
        let name = name_of(db, tenant, reference, &digest)?;
        Ok((row(db, &digest)?, places(db, &digest)?, name))
    })?;
    let (Some(row), places, (_, name)) = found else { return Err(not_found(reference)) };
    let sized = |digest: String| {
        let size = store.blob(&digest)?.metadata()?.len();
        Ok::<_, Error>(Expected { digest, size })
    };
    let layers: Vec<Expected> = places.into_iter().map(|place| place.blob).collect();
    let (manifest, config) = (sized(row.digest)?, sized(row.config)?);
    let media_type = &row.media_type;
    let image = Image { name: &name, manifest: &manifest, media_type, config: &config, layers: &layers };
    write(&image, format, |digest| store.blob(digest), out)
}
