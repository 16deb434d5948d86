//! Grant `kv`: a small memory of the policy's own, kept across reloads and lost with the daemon.
//!
//! At most 1024 keys of up to 128 bytes, 1 MiB in all. Writes only in `on_started` and `on_exited`.

use alloc::vec::Vec;

pub use crate::bindings::stockade::policy::kv::KvError;
use crate::host::kv;

pub fn get(key: &str) -> Option<Vec<u8>> {
    kv::get(key)
}

/// A decimal number, as [`add`] keeps it; 0 where there is none.
pub fn number(key: &str) -> i64 {
    get(key).and_then(|value| core::str::from_utf8(&value).ok()?.parse().ok()).unwrap_or(0)
}

/// `ttl_ms` 0 keeps it.
pub fn put(key: &str, value: &[u8], ttl_ms: u64) -> Result<(), KvError> {
    kv::put(key, value, ttl_ms)
}

/// Adds to a decimal number, 0 where there is none; answers the sum. A new key lives for `ttl_ms`.
pub fn add(key: &str, delta: i64, ttl_ms: u64) -> Result<i64, KvError> {
    kv::add(key, delta, ttl_ms)
}
