//! What a job has changed, as a new layer of a new image.

use std::fs::File;
use std::io::Seek as _;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use jiff::Timestamp;
use oci_spec::image::{Descriptor, MediaType};

use super::Images;
use super::look::not_found;
use crate::archive::docker::{descriptor, manifest};
use crate::store::documents::{Document, MOST_LAYERS};
use crate::store::holder::Holder;
use crate::store::manifests::{NewImage, row};
use crate::store::names::{Meant, NewName};
use crate::store::{Hex, Lease, Store, aside, aside_drop};
use crate::tool::{Expected, Task, Told};
use crate::worker::unexpected;
use crate::{Error, Info, Progress, Scope};

mod config;

/// What is to be committed.
#[derive(Debug)]
pub struct Changes {
    /// The manifest of the image that the job has, which its lease keeps. `None`: it ran on the host's own files.
    pub base: Option<String>,
    /// The upper directory of the job's overlay. Nothing writes to it meanwhile.
    pub upper: OwnedFd,
    /// `/workspace`, where that is to be in the layer.
    pub workspace: Option<OwnedFd>,
    /// The job's user inside.
    pub user: u32,
    pub name: String,
    /// `None`: everybody's.
    pub tenant: Option<String>,
}

/// An image that is built upon.
struct Base {
    document: Box<oci_spec::image::ImageManifest>,
    config: Vec<u8>,
    /// Its blobs and trees stay until the new image has them too.
    _lease: Lease,
}

impl Images {
    pub async fn commit(&self, changes: Changes) -> Result<Info, Error> {
        let Changes { base, upper, workspace, user, name, tenant } = changes;
        let name = Meant::name(&name)?;
        let base = base.ok_or(Error::NoBase)?;
        let base = self.0.store.blocking(move |store| open(store, &base)).await?;
        let holder = self.0.store.holder().await?;
        let (blob, diff_id) = self.pack(&holder, upper, workspace, user).await?;
        let config_bytes = config::changed(&base.config, &diff_id, Timestamp::now())?;
        let config = holder.put(config_bytes.clone()).await?;
        let mut layers: Vec<Descriptor> = base.document.layers().iter().map(as_oci).collect();
        layers.push(descriptor(MediaType::ImageLayerGzip, &blob.digest, blob.size)?);
        let config = descriptor(MediaType::ImageConfig, &config.digest, config.size)?;
        let document = manifest(config, layers)?;
        let Document::Image(parsed) = Document::parse(&document, None)? else {
            return Err(Error::Internal("a manifest that was made is none".into()));
        };
        let written = holder.put(document).await?;
        let image = NewImage::of(written.clone(), &parsed, &config_bytes)?;
        let new = NewName { tenant: tenant.clone(), name: name.clone(), source: written.digest };
        let silent: Arc<dyn Progress> = Arc::new(crate::Silent);
        self.arrive(&holder, image, vec![new], &silent).await?;
        let scope = Scope::Tenant(tenant.clone().unwrap_or_default());
        let mut all = self.list(scope).await?.into_iter();
        all.find(|info| info.tenant == tenant && info.name == name).ok_or_else(|| not_found(&name))
    }

    /// The layer's blob, which is in the store, and what it unpacks to.
    async fn pack(
        &self,
        holder: &Holder,
        upper: OwnedFd,
        workspace: Option<OwnedFd>,
        user: u32,
    ) -> Result<(Expected, String), Error> {
        let scratch = holder.scratch();
        let (mut file, scratch) = aside(move || {
            let file = File::options().read(true).write(true).create_new(true).open(scratch.path())?;
            Ok((file, scratch))
        })
        .await?;
        let mut fds = vec![upper, file.try_clone()?.into()];
        fds.extend(workspace);
        let task = Task::Pack { user, caps: self.0.options.caps };
        let (blob, diff_id) = match self.0.tool.ask(&task, fds, |_| Ok(())).await? {
            Told::Packed { blob, diff_id, .. } => (blob, diff_id),
            other => return Err(unexpected(&other)),
        };
        let file = aside(move || {
            file.rewind()?;
            Ok(file)
        });
        holder.copy(&blob, file.await?).await?;
        aside_drop(scratch).await;
        Ok((blob, diff_id))
    }
}

fn open(store: &Store, digest: &str) -> Result<Base, Error> {
    let lease = store.leases().take(Hex::parse(digest)?.as_str())?;
    let row = store.db().read(|db| row(db, digest))?.ok_or_else(|| not_found(digest))?;
    let Document::Image(document) = Document::parse(&store.document(digest)?, Some(&row.media_type))? else {
        return Err(Error::Internal(format!("the manifest {digest} is an index")));
    };
    if document.layers().len() >= MOST_LAYERS {
        return Err(Error::TooLarge { what: "the number of layers".into(), allowed: MOST_LAYERS as u64 });
    }
    Ok(Base { document, config: store.document(&row.config)?, _lease: lease })
}

/// Docker's own types have no place in a manifest of the OCI, and mean the same.
fn as_oci(layer: &Descriptor) -> Descriptor {
    let mut layer = layer.clone();
    let media_type = match layer.media_type().as_ref() {
        "application/vnd.docker.image.rootfs.diff.tar" => MediaType::ImageLayer,
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => MediaType::ImageLayerGzip,
        "application/vnd.docker.image.rootfs.diff.tar.zstd" => MediaType::ImageLayerZstd,
        _ => return layer,
    };
    layer.set_media_type(media_type);
    layer
}
