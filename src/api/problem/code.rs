use axum::http::StatusCode;

/// What a client may branch on; the last part of the problem's `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    ArchiveRefused,
    ArtifactDamaged,
    ArtifactNotFound,
    BlobNotFound,
    BodyTimeout,
    BodyTooLarge,
    CrossSiteRequest,
    DigestMismatch,
    Forbidden,
    IdempotencyInFlight,
    IdempotencyKeyReused,
    ImageInUse,
    ImageNotFound,
    /// Of what a manifest names, not of a request's body.
    ImageUnsupported,
    InternalError,
    InvalidCursor,
    InvalidJob,
    InvalidName,
    AboveCap,
    InvalidQuery,
    InvalidReference,
    InvalidToken,
    JobNotFinished,
    JobNotFound,
    JobNotPaused,
    JobNotRunning,
    LauncherGone,
    MalformedJson,
    MalformedRequest,
    MethodNotAllowed,
    MisdirectedRequest,
    NameTaken,
    NoBaseImage,
    NoPlatform,
    NotFound,
    NotReady,
    OutputNotFound,
    PoliciesRefused,
    PolicyBusy,
    PolicyDenied,
    /// The same job may be let through later.
    PolicyDeniedNow,
    PolicyFailed,
    QueueFull,
    QuotaExceeded,
    RangeNotSatisfiable,
    RegistryRefused,
    RegistryUnauthorized,
    RegistryUnreachable,
    RegistryUntrusted,
    ReloadInProgress,
    SizeMismatch,
    Stopping,
    StorageFull,
    TooLarge,
    Unauthorized,
    UnsupportedLayer,
    UnsupportedMediaType,
    VolumeFull,
    VolumeInUse,
    VolumeNotFound,
}

impl Code {
    pub(crate) fn status(self) -> StatusCode {
        self.parts().0
    }

    pub(crate) fn name(self) -> &'static str {
        self.parts().1
    }

    pub(crate) fn title(self) -> &'static str {
        self.parts().2
    }

    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::ArchiveRefused => (S::UNPROCESSABLE_ENTITY, "archive_refused", "Archive refused"),
            Self::ArtifactDamaged => (S::INTERNAL_SERVER_ERROR, "artifact_damaged", "Artifact damaged"),
            Self::ArtifactNotFound => (S::NOT_FOUND, "artifact_not_found", "No such artifact"),
            Self::BlobNotFound => (S::NOT_FOUND, "blob_not_found", "No such blob"),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "body_timeout", "Request body too slow"),
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large", "Request body too large"),
            Self::CrossSiteRequest => (S::FORBIDDEN, "cross_site_request", "Cross-site request"),
            Self::DigestMismatch => (S::UNPROCESSABLE_ENTITY, "digest_mismatch", "Another digest"),
            Self::Forbidden => (S::FORBIDDEN, "forbidden", "Not allowed"),
            Self::IdempotencyInFlight => {
                (S::CONFLICT, "idempotency_in_flight", "The same request is under way")
            }
            Self::IdempotencyKeyReused => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Key of another request")
            }
            Self::ImageInUse => (S::CONFLICT, "image_in_use", "Image in use"),
            Self::ImageNotFound => (S::NOT_FOUND, "image_not_found", "No such image"),
            Self::ImageUnsupported => {
                (S::UNPROCESSABLE_ENTITY, "unsupported_media_type", "Unsupported kind of image")
            }
            Self::InternalError => (S::INTERNAL_SERVER_ERROR, "internal_error", "Internal error"),
            Self::InvalidCursor => (S::BAD_REQUEST, "invalid_cursor", "Invalid cursor"),
            Self::InvalidJob => (S::UNPROCESSABLE_ENTITY, "invalid_job", "Invalid job"),
            Self::InvalidName => (S::UNPROCESSABLE_ENTITY, "invalid_name", "Invalid name"),
            Self::AboveCap => (S::UNPROCESSABLE_ENTITY, "above_cap", "Above the operator's cap"),
            Self::InvalidQuery => (S::BAD_REQUEST, "invalid_query", "Invalid query"),
            Self::InvalidReference => (S::UNPROCESSABLE_ENTITY, "invalid_reference", "Invalid reference"),
            Self::InvalidToken => (S::UNAUTHORIZED, "invalid_token", "Token refused"),
            Self::JobNotFinished => (S::CONFLICT, "job_not_finished", "The job has not ended"),
            Self::JobNotFound => (S::NOT_FOUND, "job_not_found", "No such job"),
            Self::JobNotPaused => (S::CONFLICT, "job_not_paused", "The job is not paused"),
            Self::JobNotRunning => (S::CONFLICT, "job_not_running", "The job does not run"),
            Self::LauncherGone => (S::SERVICE_UNAVAILABLE, "launcher_gone", "No job can run any more"),
            Self::MalformedJson => (S::BAD_REQUEST, "malformed_json", "Malformed JSON"),
            Self::MalformedRequest => (S::BAD_REQUEST, "malformed_request", "Malformed request"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::MisdirectedRequest => {
                (S::MISDIRECTED_REQUEST, "misdirected_request", "Misdirected request")
            }
            Self::NameTaken => (S::CONFLICT, "name_taken", "Name taken"),
            Self::NoBaseImage => (S::UNPROCESSABLE_ENTITY, "no_base_image", "No image to build upon"),
            Self::NoPlatform => (S::UNPROCESSABLE_ENTITY, "no_platform", "Nothing for this machine"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "No such resource"),
            Self::NotReady => (S::SERVICE_UNAVAILABLE, "not_ready", "Not ready"),
            Self::OutputNotFound => (S::NOT_FOUND, "output_not_found", "No such output"),
            Self::PoliciesRefused => (S::UNPROCESSABLE_ENTITY, "policies_refused", "Policies refused"),
            Self::PolicyBusy => (S::SERVICE_UNAVAILABLE, "policy_busy", "Policies are busy"),
            Self::PolicyDenied => (S::FORBIDDEN, "policy_denied", "Denied by policy"),
            Self::PolicyDeniedNow => (S::SERVICE_UNAVAILABLE, "policy_denied", "Denied by policy for now"),
            Self::PolicyFailed => (S::INTERNAL_SERVER_ERROR, "policy_failed", "A policy failed"),
            Self::ReloadInProgress => (S::CONFLICT, "reload_in_progress", "Policies are being loaded"),
            Self::QueueFull => (S::TOO_MANY_REQUESTS, "queue_full", "Queue full"),
            Self::QuotaExceeded => (S::TOO_MANY_REQUESTS, "quota_exceeded", "Quota exceeded"),
            Self::RangeNotSatisfiable => {
                (S::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", "Range not satisfiable")
            }
            Self::RegistryRefused => (S::BAD_GATEWAY, "registry_refused", "The registry refuses"),
            Self::RegistryUnauthorized => {
                (S::BAD_GATEWAY, "registry_unauthorized", "The registry wants other credentials")
            }
            Self::RegistryUnreachable => (S::BAD_GATEWAY, "registry_unreachable", "Registry unreachable"),
            Self::RegistryUntrusted => (S::BAD_GATEWAY, "registry_untrusted", "Registry not trusted"),
            Self::SizeMismatch => (S::UNPROCESSABLE_ENTITY, "size_mismatch", "Another size"),
            Self::Stopping => (S::SERVICE_UNAVAILABLE, "stopping", "The server is stopping"),
            Self::StorageFull => (S::INSUFFICIENT_STORAGE, "storage_full", "No room on disk"),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, "too_large", "Too large"),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized", "Token needed"),
            Self::UnsupportedLayer => {
                (S::UNPROCESSABLE_ENTITY, "unsupported_layer", "This host cannot enforce what the job needs")
            }
            Self::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type")
            }
            Self::VolumeFull => (S::CONFLICT, "volume_full", "Volume full"),
            Self::VolumeInUse => (S::CONFLICT, "volume_in_use", "Volume in use"),
            Self::VolumeNotFound => (S::NOT_FOUND, "volume_not_found", "No such volume"),
        }
    }

    /// Seconds; `None` where it is not worth trying again as it is.
    pub(super) fn retry_after(self) -> Option<u64> {
        match self {
            Self::IdempotencyInFlight
            | Self::PolicyBusy
            | Self::PolicyDeniedNow
            | Self::QueueFull
            | Self::Stopping => Some(1),
            // Room comes with the next sweep of what is kept for no longer.
            _ => None,
        }
    }
}
