//! What stands together in the settings file.

use model::LimitsRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSettings {
    /// What a job gets that does not ask.
    pub default: LimitsRequest,
    /// The most a job may ask for.
    pub cap: LimitsRequest,
}

/// What is left out is not limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSettings {
    /// Further jobs wait.
    pub max_running: Option<u32>,
    /// Further jobs are answered with 429, unless they start at once.
    pub max_queued: Option<u32>,
    pub max_per_minute: Option<u32>,
    /// Its share beside the others', 1 to 1000; 1 where it is left out.
    pub weight: Option<u32>,
    /// In place of `[retention]`.
    pub retention_max_age_s: Option<u64>,
    pub retention_max_bytes: Option<u64>,
    pub retention_max_blob_bytes: Option<u64>,
}

/// For how long, and how much of, finished jobs and uploads are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// Seconds since a job's end; a week where it is left out.
    pub max_age_s: Option<u64>,
    /// Of one tenant's finished jobs, with outputs and artifacts; the oldest go first. 1 GiB where it is left out.
    pub max_bytes: Option<u64>,
    /// Of one tenant's uploads; further ones are refused. 1 GiB where it is left out.
    pub max_blob_bytes: Option<u64>,
    /// For how long an upload is kept that no job refers to; an hour where it is left out.
    pub blob_grace_s: Option<u64>,
    /// With less than this left on the disk new jobs are answered with 507; 64 MiB where it is left out.
    pub keep_free_bytes: Option<u64>,
}

/// Where metrics and traces go; nowhere where it is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// Of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`. Left out, the variables of OpenTelemetry
    /// (`OTEL_EXPORTER_OTLP_ENDPOINT` and its like) count.
    pub otlp_endpoint: Option<String>,
    /// Address and port on which `/metrics` is answered to whoever asks, such as `127.0.0.1:9464`.
    pub prometheus: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}
