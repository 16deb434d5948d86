use rusqlite::params;
use serde::Serialize;

use super::Images;
use super::look::not_found;
use crate::store::names::{Meant, find_own};
use crate::store::{Hex, Store};
use crate::{Error, Freed};

/// What a removal has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removed {
    pub names: Vec<String>,
    /// Of the manifest that they stood for.
    pub digest: String,
    /// With all else that nothing referred to.
    pub freed: Freed,
}

impl Images {
    /// Takes away a name; by a digest, all names that the tenant has for it. What is left without one goes, unless a job uses
    /// it: that is refused, or with `force` left to the first sweep after the job.
    pub async fn remove(&self, tenant: Option<&str>, reference: &str, force: bool) -> Result<Removed, Error> {
        let (of, called) = (tenant.unwrap_or_default().to_owned(), reference.to_owned());
        let alone = self.0.store.sweeping().await?;
        let removed = self.0.store.blocking(move |store| unname(store, &of, &called, force)).await?;
        let freed = self.0.store.sweep(&self.0.tool, alone).await?;
        let (digest, names) = removed;
        Ok(Removed { names, digest, freed })
    }
}

fn unname(store: &Store, tenant: &str, reference: &str, force: bool) -> Result<(String, Vec<String>), Error> {
    let meant = Meant::parse(reference)?;
    store.db().write(|change| {
        let manifest = find_own(change, tenant, &meant)?.ok_or_else(|| not_found(reference))?;
        let all = "SELECT name FROM names WHERE tenant = ? AND manifest = ? ORDER BY name";
        let names = change.prepare(all)?.query_map([tenant, &manifest], |row| row.get(0))?.collect();
        let names: rusqlite::Result<Vec<String>> = names;
        let names: Vec<String> = names?.into_iter().filter(|name| meant.covers(name)).collect();
        for name in &names {
            change.execute("DELETE FROM names WHERE tenant = ? AND name = ?", params![tenant, name])?;
        }
        let left = "SELECT count(*) FROM names WHERE manifest = ?";
        let left: i64 = change.query_row(left, [&manifest], |row| row.get(0))?;
        // Dropped at once: the sweep that follows bars it again.
        if left == 0 && !force && store.leases().bar(Hex::parse(&manifest)?.as_str())?.is_none() {
            return Err(Error::ImageInUse(format!("{reference:.200}")));
        }
        Ok((manifest, names))
    })
}
