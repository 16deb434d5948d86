//! Opening the database: its settings, its schema, and whether it can be trusted.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations, SchemaVersion};

use crate::{Durability, JournalError};

/// One for each version of the schema. A released one is never changed: another is added.
const MIGRATIONS: &[M<'static>] = &[M::up(include_str!("schema/1.sql")), M::up(include_str!("schema/2.sql"))];
/// A file of up to this size is read through when it is opened; a larger one is found damaged where it is used.
const CHECKED_BYTES: u64 = 64 << 20;
/// What a log that has grown is cut back to.
const LOG_BYTES: u32 = 32 << 20;

pub(crate) fn writer(path: &Path, durability: Durability) -> Result<Connection, JournalError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    let length = file.and_then(|file| file.metadata()).map_err(|source| folder(path, source))?.len();
    let mut db = open(path)?;
    // Before anything is written: what is refused is left as it is.
    check(&db, length)?;
    known(&db, path)?;
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        Durability::Power => "FULL",
    };
    // `auto_vacuum` counts only before the first table.
    db.execute_batch(&format!(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};
         PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {LOG_BYTES};
         PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;"
    ))?;
    db.set_prepared_statement_cache_capacity(64);
    migrate(&mut db)?;
    Ok(db)
}

/// Another connection that may write.
pub(crate) fn open(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    in_memory(&db)?;
    Ok(db)
}

/// What does not fit into the cache: the daemon may write to no temporary directory.
fn in_memory(db: &Connection) -> Result<(), JournalError> {
    Ok(db.pragma_update(None, "temp_store", "MEMORY")?)
}

pub(crate) fn reader(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.set_prepared_statement_cache_capacity(64);
    // KiB. The kernel has the pages too, and there are several readers.
    db.pragma_update(None, "cache_size", -1024)?;
    in_memory(&db)?;
    Ok(db)
}

fn check(db: &Connection, length: u64) -> Result<(), JournalError> {
    if length > CHECKED_BYTES {
        return Ok(());
    }
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(JournalError::Damaged(found)) }
}

fn known(db: &Connection, path: &Path) -> Result<(), JournalError> {
    match Migrations::from_slice(MIGRATIONS).current_version(db) {
        Ok(SchemaVersion::Outside(found)) => {
            let known = MIGRATIONS.len();
            Err(JournalError::Newer { path: path.to_owned(), found: found.get(), known })
        }
        _ => Ok(()),
    }
}

fn migrate(db: &mut Connection) -> Result<(), JournalError> {
    Migrations::from_slice(MIGRATIONS).to_latest(db).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        other => JournalError::Damaged(other.to_string()),
    })
}

pub(crate) fn folder(path: &Path, source: std::io::Error) -> JournalError {
    JournalError::Folder { path: path.to_owned(), source }
}
