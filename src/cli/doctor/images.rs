//! What images need beside the kernel: room, and files that can be read when a registry is asked.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use daemon::Config;
use nix::sys::statvfs::statvfs;
use nix::unistd::Uid;

use super::report::Check;
use crate::units::bytes;

/// A python image and what it unpacks to.
const LEAST_ROOM: u64 = 1 << 30;

pub(crate) fn checks(config: &Config) -> Vec<Check> {
    let store = match daemon::state_dir_name(config) {
        Ok(folder) => store(&folder),
        Err(error) => Check::fail(STORE, error.to_string(), "name a folder with `--state-dir`"),
    };
    let named = config.registries.registry_auth_file.iter();
    let authorities = config.registries.registries.values().filter_map(|registry| registry.ca.as_ref());
    let files: Vec<&PathBuf> = named.chain(authorities).collect();
    vec![store, registries(&files, Uid::effective().is_root())]
}

const STORE: &str = "store";

/// The folder may not be there yet; what it will be made in is.
fn store(folder: &Path) -> Check {
    let free = folder.ancestors().find_map(|folder| statvfs(folder).ok());
    let Some(free) = free.map(|disk| disk.blocks_available() * disk.fragment_size()) else {
        let detail = format!("nothing can be known of {}", folder.display());
        return Check::caution(STORE, detail, "name another folder with `--state-dir`");
    };
    room(folder, free)
}

fn room(folder: &Path, free: u64) -> Check {
    let detail = format!("images, volumes and jobs in {}: {} free", folder.display(), bytes(free));
    if free >= LEAST_ROOM {
        return Check::pass(STORE, detail);
    }
    let remedy = "`stockade image gc` removes what nothing refers to; or name a folder on a larger disk with `--state-dir`";
    Check::caution(STORE, detail, remedy)
}

/// Those that settings name. What `docker login` and others write may be absent, and is then passed over.
fn registries(files: &[&PathBuf], root: bool) -> Check {
    const NAME: &str = "registries";
    let failure = files.iter().find_map(|path| Some((path, readable(path, root).err()?)));
    match failure {
        None if files.is_empty() => Check::pass(NAME, "no settings; passwords as `docker login` has them"),
        None => Check::pass(NAME, format!("files that settings name: {}, all readable", files.len())),
        Some((path, error)) => {
            let detail = format!("{}: {error}: nothing can be pulled from whom it is for", path.display());
            let remedy = if root {
                "have it there for user 1999999999, whom root becomes, with every folder above it open to all (mode 0711)"
            } else {
                "have it there for this user to read, or name another file in the settings"
            };
            Check::fail(NAME, detail, remedy)
        }
    }
}

/// Root gives itself up before it reads them.
fn readable(path: &Path, root: bool) -> io::Result<()> {
    let found = File::open(path)?.metadata()?;
    if !root {
        return Ok(());
    }
    let may = |found: &Metadata, own: u32, all: u32| {
        found.mode() & all != 0 || (found.uid() == daemon::DAEMON && found.mode() & own != 0)
    };
    let mut open = may(&found, 0o400, 0o004);
    for folder in path.canonicalize()?.ancestors().skip(1) {
        open &= may(&folder.metadata()?, 0o100, 0o001);
    }
    if open { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

#[cfg(test)]
mod tests {
    use super::super::report::Status;
    use super::*;

    #[test]
    fn a_small_disk_is_told() {
        assert_eq!(room(Path::new("/s"), LEAST_ROOM).status, Status::Pass);
        let check = room(Path::new("/s"), LEAST_ROOM - 1);
        assert!(check.status == Status::Caution && check.detail.contains("in /s: "), "{check:?}");
        assert_eq!(
            store(Path::new("/proc/self/nowhere/at/all")).status,
            Status::Caution,
            "proc(5) has no room"
        );
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let (there, away) = (PathBuf::from("/proc/self/status"), PathBuf::from("/nonexistent/auth.json"));
        assert_eq!(registries(&[&there], false).status, Status::Pass);
        let check = registries(&[&there, &away], false);
        assert!(check.status == Status::Fail && check.detail.contains("/nonexistent/auth.json"), "{check:?}");
        assert_eq!(registries(&[], true).status, Status::Pass);
    }
}
