use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Temp, Who};

/// Every daemon has a state directory of its own: none goes on with another's jobs.
pub const STATE_DIR: &str = "STOCKADE_STATE_DIR";

/// Where a daemon keeps its jobs. It outlives the daemon, so that another can go on with them; removed with its last owner.
#[derive(Clone, Debug)]
pub struct State(Arc<Place>);

#[derive(Debug)]
struct Place {
    path: PathBuf,
    _own: Option<Temp>,
}

impl State {
    /// Not there yet: the daemon makes it.
    pub fn new(who: Who) -> Self {
        let own = Temp::new();
        let path = own.path().join("state");
        give(who, own.path());
        Self(Arc::new(Place { path, _own: Some(own) }))
    }

    /// In a folder that somebody else removes, such as a file system's root.
    pub fn below(who: Who, folder: &Path) -> Self {
        give(who, folder);
        Self(Arc::new(Place { path: folder.join("state"), _own: None }))
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Until it is dropped nothing can be written to the journal, which waits some seconds for that.
    pub fn locked(&self) -> rusqlite::Connection {
        let other = rusqlite::Connection::open(self.path().join("journal.sqlite3")).expect("a journal");
        other.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes for long");
        other
    }

    /// Bytes of everything in it.
    pub fn bytes(&self) -> u64 {
        self.files().iter().map(|(_, bytes)| bytes).sum()
    }

    /// Every file in it by its path from there, with its length.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let mut found = Vec::new();
        walk(self.path(), &mut found);
        for (path, _) in &mut found {
            *path = path.strip_prefix(self.path()).expect("it lies below").to_owned();
        }
        found.sort();
        found
    }
}

/// Whoever the daemon is must be able to make a folder there.
fn give(who: Who, folder: &Path) {
    if nix::unistd::geteuid().is_root() && who != Who::Root {
        // Which makes its account, where it needs one.
        drop(who.command("true"));
        chown(folder, Some(who.uid()), None).expect("root gives away an own folder");
    }
}

/// What goes away meanwhile is not there.
fn walk(folder: &Path, found: &mut Vec<(PathBuf, u64)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(data) if data.is_dir() => walk(&entry.path(), found),
            Ok(data) => found.push((entry.path(), data.len())),
            Err(_) => (),
        }
    }
}
