//! What images and volumes have to do with.

use image::Error;
use image::tool::Refusal;
use model::{FieldError, pointer};

use super::{Code, Problem};

impl Problem {
    /// An error about what this field of the body says, where it is about that at all.
    pub(crate) fn of_image(error: Error, field: &str) -> Self {
        let member = FieldError { pointer: pointer([field]), code: error.code(), detail: error.to_string() };
        let said = matches!(
            error,
            Error::ImageNotFound(_)
                | Error::InvalidReference { .. }
                | Error::InvalidName(_)
                | Error::NameTaken(_)
                | Error::TooLarge { .. }
                | Error::AboveCap(_)
        );
        let problem = Self::from(error);
        if said { Self { errors: vec![member.into()], ..problem } } else { problem }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::ImageNotFound(_) => Code::ImageNotFound,
            Error::ImageInUse(_) => Code::ImageInUse,
            Error::InvalidReference { .. } => Code::InvalidReference,
            Error::DigestMismatch { .. } => Code::DigestMismatch,
            Error::SizeMismatch { .. } => Code::SizeMismatch,
            Error::ArchiveRefused { code: Refusal::Host, .. } | Error::Internal(_) => {
                return Self::internal(error.to_string());
            }
            Error::ArchiveRefused { .. } => Code::ArchiveRefused,
            Error::TooLarge { .. } => Code::TooLarge,
            Error::UnsupportedMediaType { .. } => Code::ImageUnsupported,
            Error::NoPlatform { .. } => Code::NoPlatform,
            Error::Unauthorized { .. } => Code::RegistryUnauthorized,
            Error::RegistryUnreachable { .. } => Code::RegistryUnreachable,
            Error::Untrusted { .. } => Code::RegistryUntrusted,
            Error::RegistryRefused { .. } => Code::RegistryRefused,
            Error::StoreFull => Code::StorageFull,
            Error::NameTaken(_) => Code::NameTaken,
            Error::InvalidName(_) => Code::InvalidName,
            Error::AboveCap(_) => Code::AboveCap,
            Error::VolumeNotFound(_) => Code::VolumeNotFound,
            Error::VolumeInUse(_) => Code::VolumeInUse,
            Error::VolumeFull { .. } => Code::VolumeFull,
            Error::NoBase => Code::NoBaseImage,
        };
        let detail = error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}"));
        Self::new(code, detail)
    }
}
