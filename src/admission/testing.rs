//! What several tests of this crate need.

use jiff::Timestamp;
use model::{HostPolicy, JobId, JobRequest, JobSpec, Limits};

use crate::component::metadata;
use crate::{About, Facts};

mod components;

pub(crate) use components::*;

pub(crate) fn host() -> HostPolicy {
    let profiles = ["strict", "default", "build", "extra"].map(String::from).to_vec();
    HostPolicy { defaults: Limits::defaults(), caps: Limits::defaults(), profiles }
}

/// The job that a body of `POST /jobs` asks for.
pub(crate) fn job(body: serde_json::Value) -> JobSpec {
    let request: JobRequest = serde_json::from_value(body).expect("a request");
    request.check(&host()).expect("a job")
}

pub(crate) fn about() -> About {
    About {
        id: JobId::new(),
        tenant: "acme".into(),
        submitter: "ci".into(),
        request_id: "r-1".into(),
        now: Timestamp::UNIX_EPOCH,
        facts: Facts::default(),
    }
}
