//! Images from registries.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_spec::image::ImageManifest;

use super::look::Scope;
use super::{Images, look};
use crate::registry::{Route, Sent};
use crate::store::documents::{Document, choose, expected_document, layers};
use crate::store::holder::Holder;
use crate::store::manifests::{NewImage, NewLayer};
use crate::store::names::{Meant, NewName, normal};
use crate::tool::Expected;
use crate::{Error, Info, Progress, Stage};

/// Layers of one image, from the first byte to the tree.
const AT_ONCE: usize = 4;
/// Of an index that leads to an index. Nobody makes deeper ones.
const DEPTH: usize = 2;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Pull {
    /// `busybox`, `ghcr.io/owner/app:1`, `localhost:5000/app@sha256:…`.
    pub reference: String,
    /// Whose name it becomes; `None`: everybody's.
    pub tenant: Option<String>,
}

impl Images {
    /// Whoever drops this gives up; what has come stays, and the next one goes on from there.
    pub async fn pull(&self, pull: Pull, progress: Arc<dyn Progress>) -> Result<Info, Error> {
        let (reference, name) = (normal(&pull.reference)?, Meant::name(&pull.reference)?);
        let holder = self.0.store.holder().await?;
        let (route, sent) = self.0.registries.find(&reference).await?;
        let source = sent.digest.clone();
        let image = self.documents(&holder, &route, sent).await?;
        for layer in &image.layers {
            progress.told(&layer.blob, Stage::Waiting);
        }
        // Collected, for the compiler to see that this can be spawned (rust-lang/rust#102211).
        let bringing: Vec<_> =
            image.layers.iter().map(|layer| self.bring(&holder, &route, layer, &progress)).collect();
        stream::iter(bringing).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        let named = NewName { tenant: pull.tenant.clone(), name: name.clone(), source };
        self.arrive(&holder, image, vec![named], &progress).await?;
        let scope = Scope::Tenant(pull.tenant.clone().unwrap_or_default());
        let mine = |info: &Info| info.tenant == pull.tenant && info.name == name;
        self.list(scope).await?.into_iter().find(mine).ok_or_else(|| look::not_found(&name))
    }

    /// Manifest and config: they say what is against the image before any layer is fetched.
    async fn documents(&self, holder: &Holder, route: &Route, sent: Sent) -> Result<NewImage, Error> {
        let (sent, parsed) = chosen(route, sent).await?;
        let most = self.0.options.caps.bytes;
        let bytes = layers(&parsed)?.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size()));
        if bytes > most {
            return Err(Error::TooLarge { what: format!("the image {}", sent.digest), allowed: most });
        }
        let config = expected_document(parsed.config())?;
        let manifest = holder.put(sent.bytes).await?;
        route.fetch(holder, &config, &crate::Silent).await?;
        let config = self.0.store.blocking(move |store| store.document(&config.digest)).await?;
        NewImage::of(manifest, &parsed, &config)
    }

    async fn bring(
        &self,
        holder: &Holder,
        route: &Route,
        layer: &NewLayer,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), Error> {
        route.fetch(holder, &layer.blob, &**progress).await?;
        self.unpack(holder, layer, progress).await.map(drop)
    }
}

/// The manifest for this host.
async fn chosen(route: &Route, mut sent: Sent) -> Result<(Sent, ImageManifest), Error> {
    let mut media_type = sent.media_type.clone();
    for _ in 0..=DEPTH {
        let index = match Document::parse(&sent.bytes, media_type.as_deref())? {
            Document::Image(manifest) => return Ok((sent, *manifest)),
            Document::Index(index) => index,
        };
        let entry = choose(&index)?;
        let Expected { digest, size } = expected_document(entry)?;
        media_type = Some(entry.media_type().to_string());
        sent = route.manifest(&Expected { digest, size }).await?;
    }
    Err(Error::malformed("an index of indexes of indexes"))
}
