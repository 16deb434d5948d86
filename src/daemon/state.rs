//! The state directory: what outlives this process and is nobody else's. A folder of the daemon's user, mode 0700.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::privilege::DAEMON;
use crate::settings::ConfigError;
use crate::{Config, folders};

/// Whose processes use what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// The one of the settings, made where it is missing. Before root is given up, which may be needed to make it.
pub fn state_dir(config: &Config) -> Result<PathBuf, ConfigError> {
    let dir = state_dir_name(config)?;
    let owner = prepare(&dir)?;
    let daemon = if geteuid().is_root() { DAEMON } else { geteuid().as_raw() };
    if owner.uid != daemon {
        return Err(foreign(&dir, &format!("belongs to the user {}", owner.uid)));
    }
    Ok(dir)
}

/// The same for a verb that works on its files, which are to be given to that owner. Root may work on any user's.
pub fn state_dir_of(config: &Config) -> Result<(PathBuf, Owner), ConfigError> {
    let dir = state_dir_name(config)?;
    let owner = prepare(&dir)?;
    Ok((dir, owner))
}

/// Where it is or would be: nothing is made.
pub fn state_dir_name(config: &Config) -> Result<PathBuf, ConfigError> {
    config.state_dir.clone().or_else(folders::state).ok_or_else(|| {
        let detail = "there is no home directory to have it in";
        ConfigError::setting("state_dir", detail, "name a folder with `--state-dir`")
    })
}

fn prepare(dir: &Path) -> Result<Owner, ConfigError> {
    let failed = |error: io::Error| {
        let hint = "name a folder with `--state-dir` that this user can make, or make this one";
        ConfigError::setting("state_dir", format!("{}: {error}", dir.display()), hint)
    };
    if !dir.exists() {
        make_folder(dir, 0o700).map_err(failed)?;
    }
    let open = File::open(dir).map_err(failed)?;
    let found = open.metadata().map_err(failed)?;
    if !found.is_dir() {
        return Err(failed(ErrorKind::NotADirectory.into()));
    }
    let others = found.mode() & 0o077;
    let private = others == 0;
    let (root, own) = (geteuid().is_root(), found.uid() == geteuid().as_raw());
    // Root's own are never the daemon's, which gives root up.
    if !(private && own != root) {
        let empty = fs::read_dir(dir).map_err(failed)?.next().is_none();
        match (own, empty, private) {
            // Ours and unused: made ahead by a person, a package or systemd.
            (true, true, _) => own_it(&open, 0o700).map_err(failed)?,
            (true, false, false) => return Err(foreign(dir, "can be entered by others, and is not empty")),
            (true, false, true) => return Err(foreign(dir, "belongs to root, and is not empty")),
            (false, ..) => return Err(foreign(dir, &format!("belongs to the user {}", found.uid()))),
        }
    }
    let now = open.metadata().map_err(failed)?;
    Ok(Owner { uid: now.uid(), gid: now.gid() })
}

/// Not taken over: it may be a folder of which somebody wrote the wrong name.
fn foreign(dir: &Path, what: &str) -> ConfigError {
    let shown = dir.display();
    let hint = if geteuid().is_root() {
        format!(
            "`chown -R {DAEMON}:{DAEMON} {shown} && chmod 700 {shown}`, or name another with `--state-dir`"
        )
    } else {
        format!("`chmod 700 {shown}`, or name another with `--state-dir`")
    };
    ConfigError::setting("state_dir", format!("{shown} {what}"), hint)
}

/// For the daemon, with all folders above it.
pub(crate) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    DirBuilder::new().mode(mode).create(path)?;
    own_it(&File::open(path)?, mode)
}

/// By descriptor: what is given away is what was looked at.
fn own_it(folder: &File, mode: u32) -> io::Result<()> {
    folder.set_permissions(fs::Permissions::from_mode(mode))?;
    if geteuid().is_root() {
        fchown(folder, Some(DAEMON), Some(DAEMON))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
