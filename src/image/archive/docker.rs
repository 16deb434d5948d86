//! `docker save`: `manifest.json` names the configs and the layers of some images. There are no manifests.

use std::collections::HashMap;

use oci_spec::image::{Descriptor, ImageManifestBuilder, MediaType};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Found, Manifest, Members, plain_name};
use crate::Error;
use crate::archive::rootfs::media_type_of;
use crate::store::Hex;
use crate::store::documents::{Config, parse};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// The most images that are taken from one archive.
pub(super) const MOST_IMAGES: usize = 64;

/// `None`: it is not such an archive.
pub(crate) fn images(members: &Members) -> Result<Option<Vec<Found>>, Error> {
    let Some(document) = members.document("manifest.json")? else { return Ok(None) };
    let entries: Vec<Entry> = parse("manifest.json", &document)?;
    if entries.len() > MOST_IMAGES {
        let what = format!("an archive of {} images", entries.len());
        return Err(Error::TooLarge { what, allowed: MOST_IMAGES as u64 });
    }
    entries.into_iter().map(|entry| image(members, entry)).collect::<Result<_, _>>().map(Some)
}

/// The manifest is made as Docker's own content store would: the layers are blobs as they are in the archive.
fn image(members: &Members, entry: Entry) -> Result<Found, Error> {
    let config_name = plain_name(&entry.config);
    let config = members.document(config_name)?.ok_or_else(|| missing(config_name))?;
    let diff_ids = Config::parse(&config)?.diff_ids;
    let names = entry.layers.unwrap_or_default();
    if names.len() != diff_ids.len() {
        let (layers, diff_ids) = (names.len(), diff_ids.len());
        return Err(Error::malformed(format!("manifest.json has {layers} layers and its config {diff_ids}")));
    }
    let mut layers = HashMap::new();
    let mut descriptors = Vec::new();
    for (name, diff_id) in names.iter().zip(&diff_ids) {
        // Older versions have a link where two images share a layer; what it leads to has the content that is wanted.
        let name = plain_name(name);
        let found = members.expected(name).is_some().then(|| name.to_owned());
        let member = found.or_else(|| members.with_digest(diff_id)).ok_or_else(|| missing(name))?;
        let blob = members.expected(&member).ok_or_else(|| missing(name))?;
        let media_type = media_type_of(members.open(&member)?.ok_or_else(|| missing(name))?)?;
        descriptors.push(descriptor(media_type, &blob.digest, blob.size)?);
        layers.insert(blob.digest.clone(), member);
    }
    let config_digest = Hex::of(&Sha256::digest(&config)).digest();
    let config = descriptor(MediaType::ImageConfig, &config_digest, config.len() as u64)?;
    let manifest = manifest(config, descriptors)?;
    let made = Manifest::Made { manifest, config: config_name.to_owned(), layers };
    Ok(Found { manifest: made, names: entry.repo_tags.unwrap_or_default() })
}

pub(crate) fn manifest(config: Descriptor, layers: Vec<Descriptor>) -> Result<Vec<u8>, Error> {
    let made = ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .config(config)
        .layers(layers)
        .build()
        .and_then(|manifest| manifest.to_string());
    made.map(String::into_bytes).map_err(|error| Error::Internal(error.to_string()))
}

pub(crate) fn descriptor(media_type: MediaType, digest: &str, size: u64) -> Result<Descriptor, Error> {
    let digest: oci_spec::image::Digest =
        digest.parse().map_err(|error| Error::malformed(format!("{digest:.100}: {error}")))?;
    Ok(Descriptor::new(media_type, size, digest))
}

fn missing(name: &str) -> Error {
    Error::malformed(format!("the archive has no {name:.200?}"))
}
