//! This call. Constant while it lasts.

use alloc::string::String;

use crate::host::call;

/// The policy's name in its bundle.
pub fn policy() -> String {
    call::policy()
}

/// The request that brought the job, as in the answer's `x-request-id`; empty outside of HTTP.
pub fn request_id() -> String {
    call::request_id()
}

/// Milliseconds since 1970-01-01 UTC. One time for all calls about one decision.
pub fn now_unix_ms() -> u64 {
    call::now_unix_ms()
}

/// Milliseconds that this call may take.
pub fn timeout_ms() -> u32 {
    call::timeout_ms()
}
