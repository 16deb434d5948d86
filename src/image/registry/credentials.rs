//! Who we are to a registry: what `docker login`, `podman login` and `skopeo login` have written.
//!
//! The setting `registry_auth_file`, else the environment's `REGISTRY_AUTH_FILE`, is the only file that is read. Without either,
//! the first of these that knows the registry: `$XDG_RUNTIME_DIR/containers/auth.json`, `~/.config/containers/auth.json`
//! (containers-auth.json(5)), `$DOCKER_CONFIG/config.json`, `~/.docker/config.json`. They are read anew each time.
//!
//! Helpers (`credHelpers`, `credsStore`) are programs that the daemon would have to run beside its secrets. It does not: where a
//! registry then wants credentials, the error says so.

mod file;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use super::secret::Secret;
use crate::Error;
use file::{Entry, read};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// Nobody in particular; the files that were looked at.
    None {
        looked: Vec<PathBuf>,
    },
    Password {
        user: String,
        password: Secret,
        file: PathBuf,
    },
    /// Whoever asks has said it.
    Given {
        user: String,
        password: Secret,
    },
    /// An OAuth 2 refresh token (`identitytoken`).
    Refresh {
        token: Secret,
        file: PathBuf,
    },
    /// A token for the registry itself (`registrytoken`).
    Bearer {
        token: Secret,
        file: PathBuf,
    },
    Helper {
        name: String,
        file: PathBuf,
    },
}

/// Blocks.
pub(super) fn find(setting: Option<&Path>, registry: &str, repository: &str) -> Result<Credential, Error> {
    let only = setting.map(Path::to_owned).or_else(|| path_of("REGISTRY_AUTH_FILE"));
    find_in(&Places::new(only), registry, repository)
}

/// The files that [`find`] may read.
pub(super) fn paths(setting: Option<&Path>) -> Vec<PathBuf> {
    Places::new(setting.map(Path::to_owned).or_else(|| path_of("REGISTRY_AUTH_FILE"))).paths
}

/// Where to look.
#[derive(Debug)]
struct Places {
    paths: Vec<PathBuf>,
    /// One that was asked for by name must be there.
    named: bool,
}

impl Places {
    fn new(only: Option<PathBuf>) -> Self {
        if let Some(path) = only {
            return Self { paths: vec![path], named: true };
        }
        let home = path_of("HOME");
        let below = |folder: &Option<PathBuf>, rest| folder.as_ref().map(|folder| folder.join(rest));
        let docker = path_of("DOCKER_CONFIG").or_else(|| below(&home, ".docker"));
        let all = [
            below(&path_of("XDG_RUNTIME_DIR"), "containers/auth.json"),
            below(&home, ".config/containers/auth.json"),
            below(&docker, "config.json"),
        ];
        Self { paths: all.into_iter().flatten().collect(), named: false }
    }
}

fn path_of(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn find_in(places: &Places, registry: &str, repository: &str) -> Result<Credential, Error> {
    for path in &places.paths {
        let file = match read(path) {
            Ok(file) => file,
            // A daemon that was started as root is somebody else by now, and `HOME` still root's.
            Err(error) if !places.named && is_away(&error) => continue,
            Err(error) => return Err(Error::Internal(format!("cannot read {}: {error}", path.display()))),
        };
        if let Some(entry) = file.entry(registry, repository) {
            return Ok(credential(entry, path));
        }
    }
    Ok(Credential::None { looked: places.paths.clone() })
}

fn is_away(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory
    )
}

fn credential(entry: Entry, file: &Path) -> Credential {
    let file = file.to_owned();
    match entry {
        Entry::Password { user, password } => Credential::Password { user, password, file },
        Entry::Refresh(token) => Credential::Refresh { token, file },
        Entry::Bearer(token) => Credential::Bearer { token, file },
        Entry::Helper(name) => Credential::Helper { name, file },
    }
}

impl Credential {
    /// What mends a refusal.
    pub(super) fn hint(&self, registry: &str) -> String {
        match self {
            Self::None { looked } => {
                let looked: Vec<String> = looked.iter().map(|path| path.display().to_string()).collect();
                format!(
                    "no credentials for {registry} in {}: `docker login` or `skopeo login` writes them; \
                     or there is no such image",
                    if looked.is_empty() { "any file".to_owned() } else { looked.join(", ") }
                )
            }
            Self::Helper { name, file } => format!(
                "{} leaves {registry} to docker-credential-{name}, which is not run: have the credentials in a file of \
                 their own, named by `registry_auth_file`",
                file.display()
            ),
            Self::Given { .. } => {
                format!(
                    "user or password for {registry} are wrong or do not suffice; or there is no such image"
                )
            }
            Self::Password { file, .. } | Self::Refresh { file, .. } | Self::Bearer { file, .. } => format!(
                "the credentials for {registry} in {} are wrong, expired, or do not suffice; or there is no such image",
                file.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests;
