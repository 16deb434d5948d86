//! What there is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;

use super::Images;
use crate::Error;
use crate::store::documents::Config;
use crate::store::manifests::{self, Place, Row};
use crate::store::names::{Meant, find};
use crate::store::{Hex, Lease, Store};

/// Whose images are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// An operator's view.
    All,
    /// The tenant's own and everybody's.
    Tenant(String),
}

/// An image by one of its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ImageInfo")]
pub struct Info {
    pub name: String,
    /// None: everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Of the manifest.
    pub digest: String,
    /// `linux/amd64`.
    pub platform: String,
    pub layers: u64,
    /// Of the blobs of its layers.
    pub compressed_bytes: u64,
    /// Of its trees. What images share is counted for each.
    pub bytes: u64,
    pub added_at: Timestamp,
}

/// All about one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ImageDetails")]
pub struct Details {
    #[serde(flatten)]
    pub info: Info,
    pub media_type: String,
    pub config_digest: String,
    /// As its config has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub env: Vec<(String, String)>,
    pub user: String,
    pub workdir: String,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    /// The lowest first.
    pub layer: Vec<LayerInfo>,
    pub history: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ImageLayer")]
pub struct LayerInfo {
    /// Of the blob.
    pub digest: String,
    pub media_type: String,
    pub compressed_bytes: u64,
    pub diff_id: String,
    pub bytes: u64,
    pub entries: u64,
    /// Entries of the archive that were left out: devices, names that Stockade keeps for itself.
    pub skipped: u64,
}

/// What the store takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// As they came.
    pub blobs: u64,
    /// Unpacked.
    pub trees: u64,
}

impl Images {
    /// Blocks, and costs two sums. `None` where the database cannot be read.
    pub fn stored(&self) -> Option<Stored> {
        let sum = |db: &Connection, of: &str| -> Result<u64, Error> {
            let sum: i64 =
                db.query_row(&format!("SELECT coalesce(sum(bytes), 0) FROM {of}"), [], |row| row.get(0))?;
            Ok(sum.unsigned_abs())
        };
        let stored =
            self.0.store.db().read(|db| Ok(Stored { blobs: sum(db, "blobs")?, trees: sum(db, "layers")? }));
        stored.ok()
    }

    /// By name; an image with several is there for each.
    pub async fn list(&self, scope: Scope) -> Result<Vec<Info>, Error> {
        let list = move |store: &Store| {
            store.db().read(|db| {
                let mut found = Vec::new();
                for (manifest, names) in manifests::names(db, scope.tenant())? {
                    let Some(row) = manifests::row(db, &manifest)? else { continue };
                    let places = manifests::places(db, &manifest)?;
                    found.extend(names.into_iter().map(|(tenant, name)| info(&row, &places, tenant, name)));
                }
                found.sort_by(|a, b| (&a.name, &a.tenant).cmp(&(&b.name, &b.tenant)));
                Ok(found)
            })
        };
        self.0.store.blocking(list).await
    }

    pub async fn inspect(&self, tenant: Option<&str>, reference: &str) -> Result<Details, Error> {
        let (tenant, reference) = (tenant.map(str::to_owned), reference.to_owned());
        self.0.store.blocking(move |store| inspect(store, tenant.as_deref(), &reference)).await
    }
}

impl Scope {
    pub(crate) fn tenant(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }
}

/// An image that stays as long as the lease.
pub(super) fn take(store: &Store, tenant: Option<&str>, reference: &str) -> Result<(String, Lease), Error> {
    let meant = Meant::parse(reference)?;
    loop {
        let found = store.db().read(|db| find(db, tenant, &meant))?;
        let digest = found.ok_or_else(|| not_found(reference))?;
        let lease = store.leases().take(Hex::parse(&digest)?.as_str())?;
        // A sweep may have been quicker than the lease. Then the name is another image's now, or nobody's.
        if store.db().read(|db| manifests::row(db, &digest))?.is_some() {
            return Ok((digest, lease));
        }
    }
}

fn inspect(store: &Store, tenant: Option<&str>, reference: &str) -> Result<Details, Error> {
    let (digest, _lease) = take(store, tenant, reference)?;
    let found = store.db().read(|db| {
        let named = name_of(db, tenant, reference, &digest)?;
        Ok((manifests::row(db, &digest)?, manifests::places(db, &digest)?, named))
    })?;
    let (Some(row), places, (owner, name)) = found else { return Err(not_found(reference)) };
    let config = Config::parse(&store.document(&row.config)?)?;
    let layer = places.iter().map(layer_info).collect();
    let history = config.history.iter().filter_map(|entry| entry.created_by().clone()).collect();
    Ok(Details {
        info: info(&row, &places, owner, name),
        media_type: row.media_type,
        config_digest: row.config,
        created: config.created,
        labels: config.labels,
        env: config.setup.env,
        user: config.setup.user,
        workdir: config.setup.workdir,
        entrypoint: config.setup.entrypoint,
        command: config.setup.command,
        layer,
        history,
    })
}

/// What this image is called by this tenant, and whose that name is: as it was asked for, where that is a name.
pub(super) fn name_of(
    db: &Connection,
    tenant: Option<&str>,
    reference: &str,
    manifest: &str,
) -> Result<(String, String), Error> {
    let names = manifests::names(db, Some(tenant.unwrap_or_default()))?.remove(manifest).unwrap_or_default();
    let meant = Meant::parse(reference)?;
    let asked = names.iter().find(|(_, name)| matches!(&meant, Meant::Named { name: of, .. } if of == name));
    Ok(asked.or(names.first()).cloned().unwrap_or_default())
}

fn info(row: &Row, places: &[Place], tenant: String, name: String) -> Info {
    let added_at = Timestamp::from_nanosecond(row.added_at.into()).unwrap_or_default();
    Info {
        name,
        tenant: Some(tenant).filter(|tenant| !tenant.is_empty()),
        digest: row.digest.clone(),
        platform: row.platform.clone(),
        layers: places.len() as u64,
        compressed_bytes: places.iter().map(|place| place.blob.size).sum(),
        bytes: places.iter().map(|place| place.tree.bytes).sum(),
        added_at,
    }
}

fn layer_info(place: &Place) -> LayerInfo {
    LayerInfo {
        digest: place.blob.digest.clone(),
        media_type: place.media_type.clone(),
        compressed_bytes: place.blob.size,
        diff_id: place.tree.diff_id.clone(),
        bytes: place.tree.bytes,
        entries: place.tree.entries,
        skipped: place.tree.skipped,
    }
}

pub(super) fn not_found(reference: &str) -> Error {
    Error::ImageNotFound(format!("{reference:.200}"))
}
