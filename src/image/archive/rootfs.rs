//! A root filesystem as a tar: an image of one layer that says nothing about how it is to be run.

use std::io::Read;

use oci_spec::image::MediaType;
use serde_json::json;

use super::docker::{descriptor, manifest};
use crate::Error;
use crate::store::documents::architecture;
use crate::tool::{Compression, Expected};

/// By its first bytes: RFC 1952 and RFC 8878 say which.
pub(crate) fn media_type_of(archive: impl Read) -> Result<MediaType, Error> {
    let mut magic = Vec::new();
    archive.take(4).read_to_end(&mut magic)?;
    Ok(match magic[..] {
        [0x1f, 0x8b, ..] => MediaType::ImageLayerGzip,
        [0x28, 0xb5, 0x2f, 0xfd] => MediaType::ImageLayerZstd,
        _ => MediaType::ImageLayer,
    })
}

pub(crate) fn compression_of(media_type: &MediaType) -> Compression {
    match media_type {
        MediaType::ImageLayerGzip => Compression::Gzip,
        MediaType::ImageLayerZstd => Compression::Zstd,
        _ => Compression::Plain,
    }
}

pub(crate) fn config(diff_id: &str, created: jiff::Timestamp) -> Vec<u8> {
    let config = json!({
        "created": created.to_string(),
        "architecture": architecture(),
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [diff_id] },
        "history": [{ "created": created.to_string(), "created_by": "stockade image import" }],
    });
    config.to_string().into_bytes()
}

pub(crate) fn image(config: &Expected, layer: &Expected, media_type: MediaType) -> Result<Vec<u8>, Error> {
    let config = descriptor(MediaType::ImageConfig, &config.digest, config.size)?;
    manifest(config, vec![descriptor(media_type, &layer.digest, layer.size)?])
}
