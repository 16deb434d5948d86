//! The contract's imports, function by function, as `wit-bindgen` would declare them.
#![allow(clippy::unnecessary_wraps, reason = "signatures are the contract's")]

pub(crate) mod job;
pub(crate) mod patch;

use super::document::at;
use super::fake::{Hook, with};

pub(crate) mod log {
    use super::with;
    use crate::log::Level;

    pub(crate) fn log(level: Level, message: &str) {
        with(|call| call.logs.push((level, message.into())));
    }
}

pub(crate) mod call {
    use super::with;

    pub(crate) fn policy() -> String {
        "test".into()
    }

    pub(crate) fn settings() -> String {
        with(|call| call.settings.clone())
    }

    pub(crate) fn request_id() -> String {
        with(|call| call.job.request_id.clone())
    }

    pub(crate) fn now_unix_ms() -> u64 {
        with(|call| call.job.now_unix_ms)
    }

    pub(crate) fn timeout_ms() -> u32 {
        100
    }
}

macro_rules! fields {
    ($of:ident: $($name:ident: $kind:ty),+ $(,)?) => {
        $(pub(crate) fn $name() -> $kind {
            super::with(|call| call.job.$of.$name.clone())
        })+
    };
}

#[allow(clippy::clone_on_copy, reason = "one macro for all fields")]
pub(crate) mod container {
    use crate::Pair;

    fields!(container: namespaces: Vec<String>, host_uid: u32, id_map: String, capabilities: Vec<String>);
    fields!(container: no_new_privs: bool, seccomp: Vec<Pair>, landlock_abi: Option<u32>, cgroup_version: String);
    fields!(container: cgroup_controllers: Vec<String>, root_filesystem: String, network: String, degraded: Vec<String>);

    pub(crate) fn json(pointer: &str) -> Option<String> {
        super::with(|call| super::at(&call.job.container.receipt, pointer))
    }
}

#[allow(clippy::clone_on_copy, reason = "one macro for all fields")]
pub(crate) mod outcome {
    fields!(outcome: status: String, cause: Option<String>, exit_code: Option<i32>, signal: Option<String>);
    fields!(outcome: wall_time_us: u64, cpu_time_us: u64, memory_peak_bytes: u64);

    pub(crate) fn json(pointer: &str) -> Option<String> {
        super::with(|call| super::at(&call.job.outcome.result, pointer))
    }
}

pub(crate) mod job_env {
    use super::with;
    use crate::Pair;

    pub(crate) fn values(step: u32) -> Option<Vec<Pair>> {
        with(|call| {
            let step = call.job.steps.get(step as usize)?;
            Some(
                step.env.iter().map(|(key, value)| Pair { key: key.clone(), value: value.clone() }).collect(),
            )
        })
    }
}

pub(crate) mod job_files {
    use super::with;

    pub(crate) fn read(path: &str, offset: u64, length: u32) -> Option<Vec<u8>> {
        with(|call| {
            let (_, contents) = call.job.files.iter().find(|(name, _)| name == path)?;
            let start = usize::try_from(offset).map_or(contents.len(), |start| start.min(contents.len()));
            let end = contents.len().min(start + length.min(crate::files::MAX_READ) as usize);
            Some(contents[start..end].to_vec())
        })
    }

    pub(crate) fn may_contain(texts: &[String]) -> bool {
        with(|call| {
            let contents = call.job.files.iter().map(|(_, contents)| contents.as_slice());
            super::job::may_contain(texts, contents)
        })
    }
}

pub(crate) mod metrics {
    use super::with;

    pub(crate) fn increment(name: &str, by: u64) {
        with(|call| *call.metrics.entry(name.into()).or_default() += by);
    }
}

pub(crate) mod facts {
    use super::with;

    pub(crate) fn running_jobs(tenant: &str) -> u32 {
        with(|call| call.job.running_jobs.get(tenant).copied().unwrap_or(0))
    }

    pub(crate) fn queued_jobs(tenant: &str) -> u32 {
        with(|call| call.job.queued_jobs.get(tenant).copied().unwrap_or(0))
    }

    pub(crate) fn reserved_memory_bytes(tenant: &str) -> u64 {
        with(|call| call.job.reserved_memory_bytes.get(tenant).copied().unwrap_or(0))
    }

    pub(crate) fn lookup(table: &str, key: &str) -> Option<String> {
        with(|call| call.job.tables.get(&(table.into(), key.into())).cloned())
    }
}

pub(crate) mod kv {
    use super::{Hook, with};
    use crate::kv::KvError;

    const MAX_KEY_BYTES: usize = 128;
    const MAX_KEYS: usize = 1024;
    const MAX_BYTES: usize = 1 << 20;

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        with(|call| call.job.kv.get(key).cloned())
    }

    pub(crate) fn put(key: &str, value: &[u8], _ttl_ms: u64) -> Result<(), KvError> {
        with(|call| {
            if call.hook != Hook::Lifecycle {
                return Err(KvError::ReadOnly);
            }
            if key.len() > MAX_KEY_BYTES || value.len() > MAX_BYTES {
                return Err(KvError::TooLarge);
            }
            let others = call.job.kv.iter().filter(|(other, _)| *other != key);
            let (keys, bytes) =
                others.fold((0, 0), |(keys, bytes), (k, v)| (keys + 1, bytes + k.len() + v.len()));
            if keys == MAX_KEYS || bytes + key.len() + value.len() > MAX_BYTES {
                return Err(KvError::Quota);
            }
            call.job.kv.insert(key.into(), value.into());
            Ok(())
        })
    }

    pub(crate) fn add(key: &str, delta: i64, ttl_ms: u64) -> Result<i64, KvError> {
        let sum = crate::kv::number(key).saturating_add(delta);
        put(key, sum.to_string().as_bytes(), ttl_ms)?;
        Ok(sum)
    }
}
