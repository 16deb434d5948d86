//! The last part of every way into the store.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Images;
use crate::store::holder::Holder;
use crate::store::layers::{Layer, Wanted};
use crate::store::manifests::{NewImage, NewLayer};
use crate::store::names::NewName;
use crate::{Error, Progress, Stage};

impl Images {
    /// All blobs of the image are in the store, pinned by `holder`: it is unpacked, and is an image by these names.
    pub(crate) async fn arrive(
        &self,
        holder: &Holder,
        image: NewImage,
        names: Vec<NewName>,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), Error> {
        // To the end of all of them, so that nothing is left half unpacked for the error of one.
        let unpacked = join_all(image.layers.iter().map(|layer| self.unpack(holder, layer, progress))).await;
        unpacked.into_iter().collect::<Result<Vec<Layer>, Error>>()?;
        let holder = holder.clone();
        crate::store::aside(move || holder.record(&image, &names)).await
    }

    /// Its blob is in the store. May be done before [`Images::arrive`], as soon as it is there.
    pub(crate) async fn unpack(
        &self,
        holder: &Holder,
        layer: &NewLayer,
        progress: &Arc<dyn Progress>,
    ) -> Result<Layer, Error> {
        let NewLayer { blob, compression, diff_id, .. } = layer;
        let caps = self.0.options.caps;
        let (blob, compression, diff_id) = (blob.clone(), *compression, Some(diff_id.clone()));
        let (hearing, read) = (Arc::clone(progress), blob.clone());
        let wanted = Wanted { blob: blob.clone(), compression, diff_id, caps };
        let told = move |done| hearing.told(&read, Stage::Unpacking { done });
        let unpacked = holder.unpack(&self.0.tool, wanted, told).await?;
        progress.told(&blob, Stage::Unpacked);
        Ok(unpacked)
    }
}
