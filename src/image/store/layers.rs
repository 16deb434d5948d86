//! Trees, each unpacked once.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::incoming::patiently;
use super::{Hex, Holder, Store, make_place, new_id};
use crate::Error;
use crate::tool::{Caps, Compression, Expected, Task, Told, Unpacked};
use crate::worker::{Tool, unexpected};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) id: String,
    pub(crate) diff_id: String,
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    pub(crate) skipped: u64,
    pub(crate) hides_all: bool,
    pub(crate) passwd: Option<String>,
    pub(crate) group: Option<String>,
}

impl Store {
    pub(crate) fn layers_path(&self) -> PathBuf {
        self.images().join("layers")
    }
}

/// One blob to be unpacked.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) blob: Expected,
    pub(crate) compression: Compression,
    /// As the config says; unknown where there is no config yet.
    pub(crate) diff_id: Option<String>,
    pub(crate) caps: Caps,
}

impl Holder {
    /// The layer's tree, made if need be. It stays as long as this holder does. `read` hears how much of the blob is done.
    pub(crate) async fn unpack(
        &self,
        tool: &Tool,
        wanted: Wanted,
        read: impl Fn(u64) + Send + 'static,
    ) -> Result<Layer, Error> {
        let Some(diff_id) = &wanted.diff_id else { return self.unpack_anew(tool, &wanted, read).await };
        let name = format!("layer-{}", Hex::parse(diff_id)?.as_str());
        let _turn = self.store().0.working.turn(&name).await;
        let lock = patiently(self.store().lock(&name)).await?;
        let done = match self.find(diff_id.clone()).await? {
            Some(layer) => Ok(layer),
            None => self.unpack_anew(tool, &wanted, read).await,
        };
        super::aside(move || Ok(lock.remove()?)).await?;
        done
    }

    async fn find(&self, diff_id: String) -> Result<Option<Layer>, Error> {
        let holder = self.clone();
        super::aside(move || {
            holder.store().db().write(|change| {
                holder.pin(change, &diff_id)?;
                layer(change, &diff_id)
            })
        })
        .await
    }

    async fn unpack_anew(
        &self,
        tool: &Tool,
        wanted: &Wanted,
        read: impl Fn(u64) + Send + 'static,
    ) -> Result<Layer, Error> {
        let (holder, digest) = (self.clone(), wanted.blob.digest.clone());
        let (id, blob, tree) = super::aside(move || holder.begin(&digest)).await?;
        let task = Task::Unpack {
            compression: wanted.compression,
            blob: Some(wanted.blob.clone()),
            diff_id: wanted.diff_id.clone(),
            caps: wanted.caps,
        };
        let told = tool.ask(&task, vec![blob, tree], move |told| {
            if let Told::Progress { bytes } = told {
                read(bytes);
            }
            Ok(())
        });
        let recorded = match told.await {
            Ok(Told::Unpacked(unpacked)) => {
                let (holder, id) = (self.clone(), id.clone());
                super::aside(move || holder.record_layer(&id, unpacked)).await
            }
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error),
        };
        if !matches!(&recorded, Ok(layer) if layer.id == id)
            && let Err(error) = tool.remove(&self.store().layers_path(), vec![id]).await
        {
            tracing::warn!(%error, "an unpacked layer that is not needed stays until the next sweep");
        }
        recorded
    }

    fn begin(&self, digest: &str) -> Result<(String, OwnedFd, OwnedFd), Error> {
        let id = new_id()?;
        self.store().db().write(|change| self.pin(change, &id))?;
        let path = self.store().layers_path().join(&id);
        let place = make_place(&path)?;
        Ok((id, self.store().blob(digest)?.into(), place))
    }

    /// Where another process, which did not know the diff_id, was quicker, its layer.
    fn record_layer(&self, id: &str, unpacked: Unpacked) -> Result<Layer, Error> {
        let Unpacked { diff_id, bytes, entries, skipped, hides_all, passwd, group, .. } = unpacked;
        Hex::parse(&diff_id)?;
        self.store().db().write(|change| {
            self.pin(change, &diff_id)?;
            change.execute(
                r#"INSERT OR IGNORE INTO layers (diff_id, id, bytes, entries, skipped, hides_all, passwd, "group")
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)"#,
                params![
                    diff_id,
                    id,
                    bytes.cast_signed(),
                    entries.cast_signed(),
                    skipped.cast_signed(),
                    hides_all,
                    passwd,
                    group
                ],
            )?;
            layer(change, &diff_id)?
                .ok_or_else(|| Error::Internal("a layer is gone as it is recorded".into()))
        })
    }
}

pub(super) fn layer(db: &Connection, diff_id: &str) -> Result<Option<Layer>, Error> {
    let mut finding = db.prepare_cached(
        r#"SELECT id, diff_id, bytes, entries, skipped, hides_all, passwd, "group" FROM layers WHERE diff_id = ?"#,
    )?;
    Ok(finding.query_row([diff_id], layer_of).optional()?)
}

pub(super) fn layer_of(row: &Row<'_>) -> rusqlite::Result<Layer> {
    let count = |column| row.get(column).map(i64::unsigned_abs);
    Ok(Layer {
        id: row.get(0)?,
        diff_id: row.get(1)?,
        bytes: count(2)?,
        entries: count(3)?,
        skipped: count(4)?,
        hides_all: row.get(5)?,
        passwd: row.get(6)?,
        group: row.get(7)?,
    })
}
