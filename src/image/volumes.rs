//! Folders that jobs keep things in, beyond their end. Each has a name, a tenant and a limit.

use jiff::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use schemars::JsonSchema;
use serde::Serialize;

use crate::store::{Lease, Store, aside, directory, make_place, new_id, now};
use crate::tool::TREE;
use crate::worker::Tool;
use crate::{Error, Scope};

#[derive(Clone, Debug)]
pub struct Volumes {
    store: Store,
    tool: Tool,
    /// The limit of one that is made without, and the most that may be asked for.
    most_bytes: u64,
}

/// A folder that jobs keep things in, beyond their end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Volume {
    pub name: String,
    pub tenant: String,
    /// The most that it may hold.
    #[serde(rename = "size_limit_bytes")]
    pub size_bytes: u64,
    /// When it was last measured: after the last job that could write to it.
    pub used_bytes: u64,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
    #[serde(skip)]
    pub id: String,
}

/// What a job has of a volume.
#[derive(Debug)]
pub struct Mounted {
    /// A tree in `STATE/volumes`.
    pub id: String,
    /// Until it is dropped, the volume stays.
    pub lease: Lease,
}

const COLUMNS: &str = "name, tenant, size_bytes, used_bytes, created_at, used_at, id";

impl Volumes {
    pub(crate) fn new(store: Store, tool: Tool, most_bytes: u64) -> Self {
        Self { store, tool, most_bytes }
    }

    /// `size_bytes`: at most the operator's; `None`: that.
    pub async fn create(&self, tenant: &str, name: &str, size_bytes: Option<u64>) -> Result<Volume, Error> {
        check(name)?;
        let size = size_bytes.unwrap_or(self.most_bytes);
        if size > self.most_bytes {
            return Err(Error::AboveCap(self.most_bytes));
        }
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        let made = self.store.blocking(move |store| match make(store, &tenant, &name, size)? {
            (volume, true) => Ok(volume),
            (_, false) => Err(Error::NameTaken(name)),
        });
        let volume = made.await?;
        self.furnish(&volume.id).await?;
        Ok(volume)
    }

    /// Makes its tree where that is missing: it is new, or whoever made it was cut short.
    async fn furnish(&self, id: &str) -> Result<(), Error> {
        let place = self.store.volumes().join(id);
        let there = place.join(TREE);
        let missing =
            aside(move || Ok(there.symlink_metadata().is_err().then(|| directory(&place)).transpose()?));
        let Some(place) = missing.await? else { return Ok(()) };
        let made = self.tool.make_volume(place).await;
        let there = self.store.volumes().join(id).join(TREE);
        match made {
            // Somebody else was quicker.
            Err(_) if aside(move || Ok(there.symlink_metadata().is_ok())).await? => Ok(()),
            made => made,
        }
    }

    pub async fn list(&self, scope: Scope) -> Result<Vec<Volume>, Error> {
        let list = move |db: &Connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM volumes WHERE ?1 IS NULL OR tenant = ?1 ORDER BY tenant, name"
            );
            let found: rusqlite::Result<_> =
                db.prepare_cached(&sql)?.query_map([scope.tenant()], volume)?.collect();
            Ok(found?)
        };
        self.store.blocking(move |store| store.db().read(list)).await
    }

    pub async fn inspect(&self, tenant: &str, name: &str) -> Result<Volume, Error> {
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        self.store
            .blocking(move |store| {
                let found = store.db().read(|db| find(db, &tenant, &name))?;
                found.ok_or(Error::VolumeNotFound(name))
            })
            .await
    }

    /// With all that is in it.
    pub async fn remove(&self, tenant: &str, name: &str) -> Result<(), Error> {
        let (of, called) = (tenant.to_owned(), name.to_owned());
        // A sweep has leases for a moment, which is no use of the volume.
        let alone = self.store.sweeping().await?;
        let id = self.store.blocking(move |store| forget(store, &of, &called)).await?;
        self.tool.remove(self.store.volumes(), vec![id]).await?;
        drop(alone);
        Ok(())
    }

    /// For a job, made if need be. A full one can be read.
    pub async fn mount(&self, tenant: &str, name: &str, read_only: bool) -> Result<Mounted, Error> {
        check(name)?;
        let (tenant, name, size) = (tenant.to_owned(), name.to_owned(), self.most_bytes);
        let mounted =
            self.store.blocking(move |store| mount(store, &tenant, &name, (size, read_only))).await?;
        self.furnish(&mounted.id).await?;
        Ok(mounted)
    }

    /// To be called when a job that could write to it has ended. One that was removed since takes nothing.
    pub async fn measured(&self, id: &str) -> Result<u64, Error> {
        let path = self.store.volumes().join(id);
        // A job may have taken away every permission of it, which the tool can do without.
        let how = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let opened = move || match open(&path, how, Mode::empty()) {
            Err(Errno::ENOENT) => Ok(None),
            tree => Ok(Some(tree?)),
        };
        let Some(tree) = aside(opened).await? else { return Ok(0) };
        let bytes = self.tool.measure(tree).await?;
        let id = id.to_owned();
        let put = move |store: &Store| {
            store.db().write(|change| {
                let sql = "UPDATE volumes SET used_bytes = ?, used_at = ? WHERE id = ?";
                change.execute(sql, params![bytes.cast_signed(), now(), id])?;
                Ok(bytes)
            })
        };
        self.store.blocking(put).await
    }
}

fn mount(store: &Store, tenant: &str, name: &str, (size, read_only): (u64, bool)) -> Result<Mounted, Error> {
    loop {
        let known = store.db().read(|db| find(db, tenant, name))?;
        let volume = match known {
            Some(volume) => volume,
            None => make(store, tenant, name, size)?.0,
        };
        let lease = store.leases().take(&volume.id)?;
        // It may have been removed, and made anew, before the lease.
        let Some(volume) = store.db().read(|db| find(db, tenant, name))?.filter(|now| now.id == volume.id)
        else {
            continue;
        };
        if !read_only && volume.used_bytes >= volume.size_bytes {
            let (used, allowed) = (volume.used_bytes, volume.size_bytes);
            return Err(Error::VolumeFull { name: volume.name, used, allowed });
        }
        return Ok(Mounted { id: volume.id, lease });
    }
}

/// The one of this name, and whether it was made now. Every user inside a sandbox may write to it.
fn make(store: &Store, tenant: &str, name: &str, size: u64) -> Result<(Volume, bool), Error> {
    let holder = store.holder_now()?;
    let id = new_id()?;
    store.db().write(|change| holder.pin(change, &id))?;
    let path = store.volumes().join(&id);
    make_place(&path)?;
    let made = store.db().write(|change| {
        change.execute(
            "INSERT OR IGNORE INTO volumes (tenant, name, id, size_bytes, created_at, used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            params![tenant, name, id, size.cast_signed(), now()],
        )?;
        find(change, tenant, name)
    });
    let volume = made?.ok_or_else(|| Error::VolumeNotFound(name.to_owned()))?;
    let new = volume.id == id;
    if !new {
        std::fs::remove_dir(path)?;
    }
    Ok((volume, new))
}

/// Its id, once no job has it or gets it any more.
fn forget(store: &Store, tenant: &str, name: &str) -> Result<String, Error> {
    let found = store.db().read(|db| find(db, tenant, name))?;
    let id = found.ok_or_else(|| Error::VolumeNotFound(name.to_owned()))?.id;
    let barred = store.leases().bar(&id)?.ok_or_else(|| Error::VolumeInUse(name.to_owned()))?;
    store.db().write(|change| Ok(change.execute("DELETE FROM volumes WHERE id = ?", [&id])?))?;
    barred.remove()?;
    Ok(id)
}

fn find(db: &Connection, tenant: &str, name: &str) -> Result<Option<Volume>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM volumes WHERE tenant = ? AND name = ?");
    Ok(db.prepare_cached(&sql)?.query_row([tenant, name], volume).optional()?)
}

fn volume(row: &Row<'_>) -> rusqlite::Result<Volume> {
    let count = |column| row.get(column).map(i64::unsigned_abs);
    let time = |column| {
        let nanoseconds: i64 = row.get(column)?;
        Ok::<_, rusqlite::Error>(Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default())
    };
    Ok(Volume {
        name: row.get(0)?,
        tenant: row.get(1)?,
        size_bytes: count(2)?,
        used_bytes: count(3)?,
        created_at: time(4)?,
        used_at: time(5)?,
        id: row.get(6)?,
    })
}

fn check(name: &str) -> Result<(), Error> {
    let first = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = name.len() <= 64
        && name.as_bytes().first().is_some_and(first)
        && name.bytes().all(|b| first(&b) || matches!(b, b'_' | b'.' | b'-'));
    if fits { Ok(()) } else { Err(Error::InvalidName(format!("{name:.100}"))) }
}
