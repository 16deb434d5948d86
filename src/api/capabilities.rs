use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use model::{HostPolicy, Limits};
use sandbox::HostCaps;
use schemars::JsonSchema;
use serde::Serialize;

use crate::caller::Reader;

/// What this host enforces and gives, so that a caller can know before it asks.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Capabilities {
    pub(crate) host: HostCaps,
    pub(crate) default_limits: Limits,
    pub(crate) limit_caps: Limits,
    pub(crate) profiles: Vec<String>,
}

impl Capabilities {
    pub(crate) fn new(host: HostCaps, policy: &HostPolicy) -> Self {
        Self {
            host,
            default_limits: policy.defaults.clone(),
            limit_caps: policy.caps.clone(),
            profiles: policy.profiles.clone(),
        }
    }
}

pub(crate) async fn capabilities(State(capabilities): State<Arc<Capabilities>>, _: Reader) -> Response {
    Json(&*capabilities).into_response()
}
