//! Images, as the database has them.

use std::collections::BTreeMap;

use oci_spec::image::{ImageManifest, MediaType};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use sandbox::ImageLayer;

use super::documents::{Config, Setup, compression, expected, expected_document, layers};
use super::layers::{Layer, layer, layer_of};
use super::names::{NewName, give};
use super::{Holder, now};
use crate::Error;
use crate::tool::{Compression, Expected};

/// An image that is to be in the store, held against all that its documents alone can say.
#[derive(Clone, Debug)]
pub(crate) struct NewImage {
    pub(crate) manifest: Expected,
    pub(crate) media_type: String,
    pub(crate) config: Config,
    pub(crate) config_blob: Expected,
    /// The lowest first.
    pub(crate) layers: Vec<NewLayer>,
}

#[derive(Clone, Debug)]
pub(crate) struct NewLayer {
    pub(crate) blob: Expected,
    pub(crate) media_type: MediaType,
    pub(crate) compression: Compression,
    pub(crate) diff_id: String,
}

impl NewImage {
    /// `manifest` is what `bytes` have been verified to be.
    pub(crate) fn of(manifest: Expected, bytes: &ImageManifest, config: &[u8]) -> Result<Self, Error> {
        let config_blob = expected_document(bytes.config())?;
        let config = Config::parse(config)?;
        let blobs = layers(bytes)?;
        if blobs.len() != config.diff_ids.len() {
            let (layers, diff_ids) = (blobs.len(), config.diff_ids.len());
            return Err(Error::malformed(format!(
                "the manifest has {layers} layers and its config {diff_ids}"
            )));
        }
        let layers = blobs.iter().zip(&config.diff_ids).map(|(blob, diff_id)| {
            Ok(NewLayer {
                blob: expected(blob)?,
                media_type: blob.media_type().clone(),
                compression: compression(blob.media_type())?,
                diff_id: diff_id.clone(),
            })
        });
        let layers = layers.collect::<Result<_, Error>>()?;
        let media_type = bytes.media_type().as_ref().unwrap_or(&MediaType::ImageManifest).to_string();
        Ok(Self { manifest, media_type, config, config_blob, layers })
    }
}

/// A layer of an image.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) blob: Expected,
    pub(crate) media_type: String,
    pub(crate) tree: Layer,
}

impl Holder {
    /// Everything of it is in the store: from now on it is an image, and has these names.
    pub(crate) fn record(&self, image: &NewImage, names: &[NewName]) -> Result<(), Error> {
        self.store().db().write(|change| {
            let mut setup = image.config.setup.clone();
            for (position, new) in image.layers.iter().enumerate() {
                let gone =
                    || Error::Internal(format!("the layer {} of a new image is not there", new.diff_id));
                let tree = layer(change, &new.diff_id)?.ok_or_else(gone)?;
                if tree.hides_all {
                    (setup.passwd, setup.group) = Default::default();
                }
                // The topmost that has one is the last of them.
                setup.passwd = tree.passwd.unwrap_or(setup.passwd);
                setup.group = tree.group.unwrap_or(setup.group);
                insert_layer(change, &image.manifest.digest, position, new)?;
            }
            insert(change, image, &setup)?;
            names.iter().try_for_each(|name| give(change, name, &image.manifest.digest))
        })
    }
}

fn insert(change: &Transaction<'_>, image: &NewImage, setup: &Setup) -> Result<(), Error> {
    let setup = serde_json::to_string(setup).map_err(|e| Error::Internal(e.to_string()))?;
    change.execute(
        "INSERT OR IGNORE INTO manifests (digest, media_type, config, image, platform, added_at)
         VALUES (?, ?, ?, ?, ?, ?)",
        params![
            image.manifest.digest,
            image.media_type,
            image.config_blob.digest,
            setup,
            image.config.platform,
            now()
        ],
    )?;
    Ok(())
}

fn insert_layer(
    change: &Transaction<'_>,
    manifest: &str,
    position: usize,
    layer: &NewLayer,
) -> Result<(), Error> {
    let mut insert = change.prepare_cached(
        "INSERT OR IGNORE INTO manifest_layers (manifest, position, blob, diff_id, media_type)
         VALUES (?, ?, ?, ?, ?)",
    )?;
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    let media_type = layer.media_type.to_string();
    insert.execute(params![manifest, position, layer.blob.digest, layer.diff_id, media_type])?;
    Ok(())
}

/// What jobs are told, and the trees that are seen, topmost first. `None`: it is not (any more) in the store.
pub(crate) fn for_job(db: &Connection, manifest: &str) -> Result<Option<(Setup, Vec<ImageLayer>)>, Error> {
    let mut finding = db.prepare_cached("SELECT image FROM manifests WHERE digest = ?")?;
    let found: Option<String> = finding.query_row([manifest], |row| row.get(0)).optional()?;
    let Some(setup) = found else { return Ok(None) };
    let setup = serde_json::from_str(&setup).map_err(|e| Error::Internal(e.to_string()))?;
    let mut finding = db.prepare_cached(
        "SELECT id, diff_id, hides_all FROM manifest_layers JOIN layers USING (diff_id) WHERE manifest = ? ORDER BY position DESC",
    )?;
    let (mut layers, mut rows) = (Vec::new(), finding.query([manifest])?);
    while let Some(row) = rows.next()? {
        layers.push(ImageLayer { id: row.get(0)?, digest: row.get(1)? });
        // Overlayfs has no mark for this at the root of a layer.
        if row.get(2)? {
            break;
        }
    }
    Ok(Some((setup, layers)))
}

/// The lowest first.
pub(crate) fn places(db: &Connection, manifest: &str) -> Result<Vec<Place>, Error> {
    let mut finding = db.prepare_cached(
        r#"SELECT id, diff_id, layers.bytes, entries, skipped, hides_all, passwd, "group", blob, blobs.bytes, media_type
           FROM manifest_layers JOIN layers USING (diff_id) JOIN blobs ON blobs.digest = blob
           WHERE manifest = ? ORDER BY position"#,
    )?;
    let found = finding.query_map([manifest], |row| {
        let blob = Expected { digest: row.get(8)?, size: row.get::<_, i64>(9)?.unsigned_abs() };
        Ok(Place { blob, media_type: row.get(10)?, tree: layer_of(row)? })
    });
    Ok(found?.collect::<rusqlite::Result<_>>()?)
}

/// A manifest's row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) config: String,
    pub(crate) platform: String,
    pub(crate) added_at: i64,
}

pub(crate) fn row(db: &Connection, manifest: &str) -> Result<Option<Row>, Error> {
    let mut finding = db.prepare_cached(
        "SELECT digest, media_type, config, platform, added_at FROM manifests WHERE digest = ?",
    )?;
    let found = finding.query_row([manifest], |row| {
        Ok(Row {
            digest: row.get(0)?,
            media_type: row.get(1)?,
            config: row.get(2)?,
            platform: row.get(3)?,
            added_at: row.get(4)?,
        })
    });
    Ok(found.optional()?)
}

/// Names by manifest, of one tenant and of everybody, or of all.
pub(crate) fn names(
    db: &Connection,
    tenant: Option<&str>,
) -> Result<BTreeMap<String, Vec<(String, String)>>, Error> {
    let mut finding = db.prepare_cached(
        "SELECT manifest, tenant, name FROM names WHERE ?1 IS NULL OR tenant IN (?1, '') ORDER BY name, tenant",
    )?;
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut rows = finding.query([tenant])?;
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().push((row.get(1)?, row.get(2)?));
    }
    Ok(found)
}
