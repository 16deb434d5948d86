//! Images into files, of which every byte but the archive's own is as it is in the store.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

use oci_spec::image::MediaType;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use super::oci::{IMAGE_NAME, REF_NAME, blob_name};
use crate::Error;
use crate::store::Hex;
use crate::tool::Expected;

/// What an archive is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// An OCI image layout as a tar: what skopeo and podman call `oci-archive`.
    #[default]
    Oci,
    /// What `docker load` reads.
    Docker,
}

/// An image as it is to be written. Blobs are opened by digest.
pub(crate) struct Image<'a> {
    pub(crate) name: &'a str,
    pub(crate) manifest: &'a Expected,
    pub(crate) media_type: &'a str,
    pub(crate) config: &'a Expected,
    /// The lowest first.
    pub(crate) layers: &'a [Expected],
}

pub(crate) fn write(
    image: &Image<'_>,
    format: Format,
    blob: impl Fn(&str) -> Result<File, Error>,
    out: File,
) -> Result<(), Error> {
    let mut out = Builder::new(BufWriter::new(out));
    match format {
        Format::Oci => oci(image, blob, &mut out),
        Format::Docker => docker(image, blob, &mut out),
    }?;
    let mut out = out.into_inner()?;
    Ok(out.flush()?)
}

fn oci<W: Write>(
    image: &Image<'_>,
    blob: impl Fn(&str) -> Result<File, Error>,
    out: &mut Builder<W>,
) -> Result<(), Error> {
    let index = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::ImageIndex.to_string(),
        "manifests": [{
            "mediaType": image.media_type,
            "digest": image.manifest.digest,
            "size": image.manifest.size,
            "annotations": { REF_NAME: image.name, IMAGE_NAME: image.name },
        }],
    });
    document(out, "oci-layout", &json!({ "imageLayoutVersion": "1.0.0" }))?;
    document(out, "index.json", &index)?;
    for folder in ["blobs/", "blobs/sha256/"] {
        out.append_data(&mut header(EntryType::Directory, 0o755, 0), folder, io::empty())?;
    }
    let mut there = Vec::new();
    for one in [image.manifest, image.config].into_iter().chain(image.layers) {
        if !there.contains(&&one.digest) {
            there.push(&one.digest);
            file(out, &blob_name(&one.digest)?, one.size, blob(&one.digest)?)?;
        }
    }
    Ok(())
}

/// Layers stay compressed: whoever reads such archives looks at their first bytes.
fn docker<W: Write>(
    image: &Image<'_>,
    blob: impl Fn(&str) -> Result<File, Error>,
    out: &mut Builder<W>,
) -> Result<(), Error> {
    let named = |digest: &str, end: &str| Ok::<_, Error>(format!("{}.{end}", Hex::parse(digest)?.as_str()));
    let config = named(&image.config.digest, "json")?;
    file(out, &config, image.config.size, blob(&image.config.digest)?)?;
    let mut layers: Vec<String> = Vec::new();
    for layer in image.layers {
        let name = named(&layer.digest, "tar")?;
        if !layers.contains(&name) {
            file(out, &name, layer.size, blob(&layer.digest)?)?;
        }
        layers.push(name);
    }
    // A name with a digest is no tag.
    let tags: &[&str] = if image.name.contains('@') { &[] } else { &[image.name] };
    document(out, "manifest.json", &json!([{ "Config": config, "RepoTags": tags, "Layers": layers }]))
}

fn document<W: Write>(out: &mut Builder<W>, name: &str, document: &Value) -> Result<(), Error> {
    let bytes = document.to_string().into_bytes();
    file(out, name, bytes.len() as u64, &bytes[..])
}

fn file<W: Write>(out: &mut Builder<W>, name: &str, size: u64, from: impl Read) -> Result<(), Error> {
    let mut counted = Counted { from: from.take(size), read: 0 };
    out.append_data(&mut header(EntryType::Regular, 0o644, size), name, &mut counted)?;
    if counted.read == size {
        return Ok(());
    }
    Err(Error::Internal(format!("the store has {} of {size} bytes of {name}", counted.read)))
}

/// The same for the same image, whenever it is written.
fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

struct Counted<R> {
    from: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.read += read as u64;
        Ok(read)
    }
}
