use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::registry::SettingsError;
use crate::tool::Refusal;

/// Why the store cannot be used at all.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("cannot use {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("the images in {} have schema {found}, and this version knows {known}: run the newer version", path.display())]
    Newer { path: PathBuf, found: usize, known: usize },
    #[error("the database of images is damaged: {0}")]
    Damaged(String),
    #[error("the database of images cannot be opened")]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Registries(#[from] SettingsError),
}

/// Why something was not done. [`Error::code`] is stable.
#[derive(Debug, Error)]
pub enum Error {
    #[error("there is no image {0}")]
    ImageNotFound(String),
    #[error("the image {0} is in use by a job")]
    ImageInUse(String),
    #[error("{reference:?} is no reference of an image: {why}")]
    InvalidReference { reference: String, why: String },
    #[error("{what} should be {expected} and is {found}")]
    DigestMismatch { what: String, expected: String, found: String },
    #[error("{what} should have {expected} bytes and has {found}")]
    SizeMismatch { what: String, expected: u64, found: u64 },
    #[error("the archive was refused: {detail}")]
    ArchiveRefused { code: Refusal, detail: String },
    #[error("{what} is larger than the {allowed} that are allowed")]
    TooLarge { what: String, allowed: u64 },
    #[error("{what} has the media type {found:?}")]
    UnsupportedMediaType { what: String, found: String },
    #[error("there is nothing for {wanted}; there is {}", there.join(", "))]
    NoPlatform { wanted: String, there: Vec<String> },
    #[error("{registry} does not let us: {detail}")]
    Unauthorized { registry: String, detail: String, hint: String },
    #[error("{registry} cannot be reached: {detail}")]
    RegistryUnreachable { registry: String, detail: String },
    #[error("{registry} is not trusted: {detail}")]
    Untrusted { registry: String, detail: String },
    #[error("{registry} refuses: {detail}")]
    RegistryRefused { registry: String, detail: String },
    #[error("no room for images: the disk is full")]
    StoreFull,
    #[error("there is a volume {0} already")]
    NameTaken(String),
    #[error("{0:?} is no name of a volume")]
    InvalidName(String),
    #[error("there is no volume {0}")]
    VolumeNotFound(String),
    #[error("a volume may have at most {0} bytes")]
    AboveCap(u64),
    #[error("the volume {0} is in use by a job")]
    VolumeInUse(String),
    #[error("the volume {name} is full: {used} of {allowed} bytes")]
    VolumeFull { name: String, used: u64, allowed: u64 },
    #[error("the job ran without an image: there is nothing that its changes could be added to")]
    NoBase,
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// For programs; never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ImageNotFound(_) => "image_not_found",
            Self::ImageInUse(_) => "image_in_use",
            Self::InvalidReference { .. } => "invalid_reference",
            Self::DigestMismatch { .. } => "digest_mismatch",
            Self::SizeMismatch { .. } => "size_mismatch",
            Self::ArchiveRefused { .. } => "archive_refused",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedMediaType { .. } => "unsupported_media_type",
            Self::NoPlatform { .. } => "no_platform",
            Self::Unauthorized { .. } => "unauthorized",
            Self::RegistryUnreachable { .. } => "registry_unreachable",
            Self::Untrusted { .. } => "registry_untrusted",
            Self::RegistryRefused { .. } => "registry_refused",
            Self::StoreFull => "store_full",
            Self::NameTaken(_) => "name_taken",
            Self::InvalidName(_) => "invalid_name",
            Self::VolumeNotFound(_) => "volume_not_found",
            Self::AboveCap(_) => "above_cap",
            Self::VolumeInUse(_) => "volume_in_use",
            Self::VolumeFull { .. } => "volume_full",
            Self::NoBase => "no_base_image",
            Self::Internal(_) => "internal",
        }
    }

    /// What mends it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::ImageNotFound(_) => "`stockade image pull` or `stockade image import` brings it",
            Self::ImageInUse(_) | Self::VolumeInUse(_) => "wait for the jobs that use it, or cancel them",
            Self::InvalidReference { .. } => "write it as NAME:TAG, NAME@sha256:… or REGISTRY/NAME:TAG",
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } => {
                "what was sent is damaged or forged: fetch it again from a source that you trust"
            }
            Self::ArchiveRefused { code: Refusal::Host, .. } => "look at the host's disk and log",
            Self::ArchiveRefused { .. } => "make the archive again with another tool",
            Self::TooLarge { .. } => "make it smaller, or have the operator raise the limit",
            Self::UnsupportedMediaType { .. } => {
                "convert it: `skopeo copy --format oci` or `--format v2s2` writes what can be read"
            }
            Self::NoPlatform { .. } => "use an image that was built for this machine",
            Self::Unauthorized { hint, .. } => hint,
            Self::RegistryUnreachable { .. } => {
                "check the name and the network; plain HTTP beyond loopback needs `insecure = true` for the registry"
            }
            Self::Untrusted { .. } => {
                "name the certificate of its authority, as PEM that Stockade's user can read: `ca = \"FILE\"` for the registry"
            }
            Self::RegistryRefused { .. } => "the registry's operator can say why",
            Self::StoreFull => "`stockade image gc` and `stockade image rm` make room",
            Self::NameTaken(_) => "choose another name, or remove the one that has it",
            Self::InvalidName(_) => "a name is up to 64 lower-case letters, digits, `_`, `.` and `-`",
            Self::VolumeNotFound(_) => "`stockade volume ls` shows those that there are",
            Self::AboveCap(_) => "ask for less, or have the operator raise `volume_bytes`",
            Self::VolumeFull { .. } => "mount it read-only, remove something from it, or raise its limit",
            Self::NoBase => "run it with an image: `--image NAME`",
            Self::Internal(_) => "look at the server's log",
        };
        Some(hint.to_owned())
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::ArchiveRefused { code: Refusal::Malformed, detail: detail.into() }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::StoreFull,
            _ => Self::Internal(format!("the store of images failed: {error}")),
        }
    }
}

impl From<nix::errno::Errno> for Error {
    fn from(errno: nix::errno::Errno) -> Self {
        io::Error::from(errno).into()
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::StoreFull,
            _ => Self::Internal(format!("the database of images failed: {error}")),
        }
    }
}
