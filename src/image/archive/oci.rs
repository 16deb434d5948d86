//! An OCI image layout: `index.json` names manifests, `blobs/` has everything.

use oci_spec::image::{Descriptor, ImageIndex};
use serde::Deserialize;

use super::docker::MOST_IMAGES;
use super::{Found, Manifest, Members};
use crate::Error;
use crate::store::Hex;
use crate::store::documents::{Document, choose, expected_document, parse};

/// image-spec, annotations.md: often a tag alone.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// What containerd and Docker write beside it: the whole name.
pub(super) const IMAGE_NAME: &str = "io.containerd.image.name";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layout {
    image_layout_version: String,
}

/// `None`: it is no layout. Of each entry of its index, the image for this host.
pub(crate) fn images(members: &Members) -> Result<Option<Vec<Found>>, Error> {
    let (Some(layout), Some(index)) = (members.document("oci-layout")?, members.document("index.json")?)
    else {
        return Ok(None);
    };
    let Layout { image_layout_version } = parse("oci-layout", &layout)?;
    if !image_layout_version.starts_with("1.") {
        return Err(Error::malformed(format!("an OCI layout of version {image_layout_version:.20?}")));
    }
    let index: ImageIndex = parse("index.json", &index)?;
    if index.manifests().len() > MOST_IMAGES {
        let what = format!("an archive of {} images", index.manifests().len());
        return Err(Error::TooLarge { what, allowed: MOST_IMAGES as u64 });
    }
    let named = index.manifests().iter().any(|entry| !names(entry).is_empty());
    if !named && index.manifests().len() > 1 {
        // The platforms of one image: its own index has become the layout's.
        return Ok(Some(vec![image(members, choose(&index)?, Vec::new())?]));
    }
    let found = index.manifests().iter().map(|entry| image(members, entry, names(entry)));
    found.collect::<Result<_, _>>().map(Some)
}

fn image(members: &Members, entry: &Descriptor, names: Vec<String>) -> Result<Found, Error> {
    let mut entry = entry.clone();
    for _ in 0..2 {
        let expected = expected_document(&entry)?;
        let document = members.document(&blob_name(&expected.digest)?)?;
        let document = document.ok_or_else(|| Error::malformed(format!("no blob {}", expected.digest)))?;
        match Document::parse(&document, Some(entry.media_type().as_ref()))? {
            Document::Image(_) => return Ok(Found { manifest: Manifest::Written(expected), names }),
            Document::Index(index) => entry = choose(&index)?.clone(),
        }
    }
    Err(Error::malformed("an index of an index of an index"))
}

/// Of a blob, in a layout.
pub(crate) fn blob_name(digest: &str) -> Result<String, Error> {
    Ok(format!("blobs/sha256/{}", Hex::parse(digest)?.as_str()))
}

fn names(entry: &Descriptor) -> Vec<String> {
    let annotations = entry.annotations().as_ref();
    let name = annotations.and_then(|all| all.get(IMAGE_NAME).or_else(|| all.get(REF_NAME)));
    name.cloned().into_iter().collect()
}
