//! The sweep: what nothing refers to goes.
//!
//! 1. At one instant, the rows: images without a name that no job uses, then layers and blobs that no image has and no living
//!    holder counts on.
//! 2. At another, blobs' files without a row are moved aside. Nobody can begin to count on one meanwhile, because to pin is to
//!    write a row.
//! 3. Trees without a row, by the tool, and what was moved aside. Nobody begins to count on those.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Transaction, params};
use schemars::JsonSchema;
use serde::Serialize;

use super::blobs::names_in;
use super::locks::{Lock, missing_is_fine};
use super::{Hex, Holder, Store};
use crate::Error;
use crate::worker::Tool;

/// What a sweep has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Freed {
    pub images: u64,
    pub layers: u64,
    pub blobs: u64,
    /// Of the blobs and the layers that were on record.
    pub bytes: u64,
    /// Files and trees that something interrupted had left.
    pub leftovers: u64,
}

/// What is to be removed once the rows are gone.
#[derive(Debug, Default)]
struct Doomed {
    layers: Vec<String>,
    volumes: Vec<String>,
    /// In `incoming`: files, and folders of files.
    files: Vec<String>,
}

impl Store {
    /// One at a time: the lock is [`Store::sweeping`]. Whoever pulls, imports or runs meanwhile is not disturbed.
    pub(crate) async fn sweep(&self, tool: &Tool, _alone: Lock) -> Result<Freed, Error> {
        let holder = self.holder().await?;
        let sweeping = holder.clone();
        let (mut freed, doomed) = super::aside(move || sweeping.sweep_rows()).await?;
        freed.leftovers = (doomed.layers.len() + doomed.volumes.len() + doomed.files.len()) as u64;
        freed.leftovers = freed.leftovers.saturating_sub(freed.layers + freed.blobs);
        let Doomed { layers, volumes, files } = doomed;
        tool.remove(&self.layers_path(), layers).await?;
        tool.remove(self.volumes(), volumes).await?;
        self.blocking(move |store| {
            let incoming = store.images().join("incoming");
            files.iter().try_for_each(|name| Ok(remove(&incoming.join(name))?))
        })
        .await?;
        Ok(freed)
    }
}

impl Holder {
    fn sweep_rows(&self) -> Result<(Freed, Doomed), Error> {
        let store = self.store();
        let freed = store.db().write(|change| {
            store.forget_dead(change)?;
            // Whoever wants one of them waits for the end of this.
            let (images, barred) = store.drop_images(change)?;
            let freed = drop_unused(change, images)?;
            Ok((freed, barred))
        });
        let (freed, barred) = freed?;
        barred.into_iter().try_for_each(Lock::remove)?;
        // Before the rows are read: what is made from now on is not looked at.
        let layers = names_in(&store.layers_path())?;
        let volumes = names_in(store.volumes())?;
        let doomed = store.db().write(|change| {
            store.forget_dead(change)?;
            let layers = without_row(change, layers, "SELECT id FROM layers UNION SELECT what FROM pins")?;
            let volumes = without_row(change, volumes, "SELECT id FROM volumes UNION SELECT what FROM pins")?;
            self.move_blobs_aside(change)?;
            Ok(Doomed { layers, volumes, files: self.dead_files(change)? })
        })?;
        store.sweep_locks()?;
        Ok((freed, doomed))
    }

    fn move_blobs_aside(&self, change: &Transaction<'_>) -> Result<(), Error> {
        let folder = self.store().images().join("blobs/sha256");
        let known =
            known(change, "SELECT substr(digest, 8) FROM blobs UNION SELECT substr(what, 8) FROM pins")?;
        for name in names_in(&folder)?.into_iter().filter(|name| !known.contains(name)) {
            std::fs::rename(folder.join(name), self.scratch_path())?;
        }
        Ok(())
    }

    /// What dead holders left in `incoming`, partial blobs that nobody counts on, and what this sweep has put there.
    fn dead_files(&self, change: &Transaction<'_>) -> Result<Vec<String>, Error> {
        let pinned = known(change, "SELECT substr(what, 8) FROM pins")?;
        let mut dead = Vec::new();
        for name in names_in(&self.store().images().join("incoming"))? {
            let (holder, _) = name.split_once('-').unwrap_or((&name, ""));
            let needed = match Hex::named(&name) {
                Some(_) => pinned.contains(&name),
                None => holder != self.id() && self.store().is_alive(holder)?,
            };
            if !needed {
                dead.push(name);
            }
        }
        Ok(dead)
    }
}

impl Store {
    /// After this, every pin is a living holder's.
    fn forget_dead(&self, change: &Transaction<'_>) -> Result<(), Error> {
        for holder in known(change, "SELECT DISTINCT holder FROM pins")? {
            if !self.is_alive(&holder)? {
                change.execute("DELETE FROM pins WHERE holder = ?", [holder])?;
            }
        }
        Ok(())
    }

    /// Those that nobody has named and no job uses; none can be taken up while the locks are held.
    fn drop_images(&self, change: &Transaction<'_>) -> Result<(u64, Vec<Lock>), Error> {
        let unnamed =
            known(change, "SELECT digest FROM manifests WHERE digest NOT IN (SELECT manifest FROM names)")?;
        let (mut dropped, mut barred) = (0, Vec::new());
        for digest in unnamed {
            let Some(lock) = self.leases().bar(Hex::parse(&digest)?.as_str())? else { continue };
            barred.push(lock);
            dropped += change.execute("DELETE FROM manifests WHERE digest = ?", [&digest])? as u64;
            change.execute("DELETE FROM manifest_layers WHERE manifest = ?", [&digest])?;
        }
        Ok((dropped, barred))
    }

    /// Files of locks that nobody has. Whoever wants one meanwhile makes it anew.
    fn sweep_locks(&self) -> Result<(), Error> {
        for folder in ["locks", "leases"] {
            let folder = self.images().join(folder);
            for name in names_in(&folder)?.into_iter().filter(|name| name != "open") {
                if let Some(lock) = Lock::attempt(folder.join(name))? {
                    lock.remove()?;
                }
            }
        }
        Ok(())
    }
}

fn drop_unused(change: &Transaction<'_>, images: u64) -> Result<Freed, Error> {
    let mut freed = Freed { images, ..Freed::default() };
    let unused = [
        (
            &mut freed.layers,
            "layers",
            "diff_id NOT IN (SELECT diff_id FROM manifest_layers UNION SELECT what FROM pins)",
        ),
        (
            &mut freed.blobs,
            "blobs",
            "digest NOT IN (SELECT blob FROM manifest_layers UNION SELECT digest FROM manifests
                            UNION SELECT config FROM manifests UNION SELECT what FROM pins)",
        ),
    ];
    for (count, table, which) in unused {
        let sum = format!("SELECT coalesce(sum(bytes), 0) FROM {table} WHERE {which}");
        let bytes: i64 = change.query_row(&sum, [], |row| row.get(0))?;
        freed.bytes += bytes.unsigned_abs();
        *count = change.execute(&format!("DELETE FROM {table} WHERE {which}"), params![])? as u64;
    }
    Ok(freed)
}

fn without_row(change: &Transaction<'_>, names: Vec<String>, rows: &str) -> Result<Vec<String>, Error> {
    let known = known(change, rows)?;
    Ok(names.into_iter().filter(|name| !known.contains(name)).collect())
}

fn known(change: &Transaction<'_>, rows: &str) -> Result<HashSet<String>, Error> {
    let mut finding = change.prepare_cached(rows)?;
    let found = finding.query_map([], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn remove(path: &Path) -> std::io::Result<()> {
    missing_is_fine(match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    })
}
