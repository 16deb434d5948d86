//! Who answers: the sandbox service in a component, the fake of [`testing`](crate::testing) in an ordinary program.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::stockade::policy::{
    call, container, facts, job, job_env, job_files, kv, log, metrics, outcome, patch,
};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::host::{
    call, container, facts, job, job_env, job_files, kv, log, metrics, outcome, patch,
};
