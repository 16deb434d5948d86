//! The database: its settings, its schema, and connections for whoever asks.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations, SchemaVersion};

use crate::{Error, OpenError};

/// One for each version of the schema. A released one is never changed: another is added.
const MIGRATIONS: &[M<'static>] = &[M::up(include_str!("schema/1.sql"))];
/// Another process writes for as long as a sweep renames files.
const PATIENCE: Duration = Duration::from_mins(1);
/// Connections that stay open between uses.
const MOST_IDLE: usize = 4;

#[derive(Debug)]
pub(crate) struct Database {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    /// One process at a time.
    pub(crate) fn open(file: PathBuf) -> Result<Self, OpenError> {
        let mut db = connect(&file)?;
        let migrations = Migrations::from_slice(MIGRATIONS);
        if let Ok(SchemaVersion::Outside(found)) = migrations.current_version(&db) {
            return Err(OpenError::Newer { path: file, found: found.get(), known: MIGRATIONS.len() });
        }
        let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(OpenError::Damaged(found));
        }
        migrate(&mut db, &migrations)?;
        Ok(Self { file, idle: Mutex::new(vec![db]) })
    }

    /// As of one moment, however many statements it takes.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.with(|db| {
            let moment = db.transaction_with_behavior(TransactionBehavior::Deferred)?;
            work(&moment)
        })
    }

    /// All of it or, where it fails, nothing. Nobody else writes meanwhile.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.with(|db| {
            let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&change)?;
            change.commit()?;
            Ok(done)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut db = kept.map_or_else(|| connect(&self.file), Ok)?;
        let done = work(&mut db);
        let mut idle = idle();
        if idle.len() < MOST_IDLE {
            idle.push(db);
        }
        done
    }
}

/// `synchronous = FULL`: a file is removed after its row, and a power loss must not bring the row back.
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(PATIENCE)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -1024;
         PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;",
    )?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn migrate(db: &mut Connection, migrations: &Migrations<'_>) -> Result<(), OpenError> {
    migrations.to_latest(db).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        other => OpenError::Damaged(other.to_string()),
    })
}
