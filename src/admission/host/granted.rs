//! `job-env`, `job-files`, `metrics`, `facts` and `kv`: there where the bundle grants them.

use std::sync::atomic::Ordering::Relaxed;

use model::Hook;

use super::State;
use crate::bindings::types::Pair;
use crate::bindings::{facts, job_env, job_files, kv, metrics};
use crate::kv::KvError;

const MAX_READ: usize = 1 << 20;

impl job_env::Host for State {
    fn values(&mut self, step: u32) -> Option<Vec<Pair>> {
        let step = self.draft.spec().steps.get(step as usize);
        let pair = |(key, value): (&String, &String)| Pair { key: key.clone(), value: value.clone() };
        step.map(|step| step.env.iter().map(pair).collect())
    }
}

impl job_files::Host for State {
    fn read(&mut self, path: String, offset: u64, length: u32) -> Option<Vec<u8>> {
        let file = self.draft.spec().files.iter().find(|file| file.path == path);
        file.map(|file| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.contents.len());
            let rest = &file.contents[start..];
            rest[..rest.len().min(length as usize).min(MAX_READ)].to_vec()
        })
    }
}

impl metrics::Host for State {
    fn increment(&mut self, name: String, by: u64) {
        if self.policy.metrics.contains(&name) {
            self.policy.stats.metric(&name, by);
        } else {
            self.policy.stats.dropped_metrics.fetch_add(1, Relaxed);
        }
    }
}

impl facts::Host for State {
    fn running_jobs(&mut self, tenant: String) -> u32 {
        self.about.facts.running_jobs.get(&tenant).copied().unwrap_or(0)
    }

    fn queued_jobs(&mut self, tenant: String) -> u32 {
        self.about.facts.queued_jobs.get(&tenant).copied().unwrap_or(0)
    }

    fn reserved_memory_bytes(&mut self, tenant: String) -> u64 {
        self.about.facts.reserved_memory_bytes.get(&tenant).copied().unwrap_or(0)
    }

    fn lookup(&mut self, table: String, key: String) -> Option<String> {
        self.policy.tables.get(&table).and_then(|table| table.get(&key)).cloned()
    }
}

impl State {
    /// A decision must not depend on how often it was asked for.
    fn may_write(&self) -> Result<(), kv::KvError> {
        match self.hook {
            Hook::OnStarted | Hook::OnExited => Ok(()),
            Hook::Mutation | Hook::Validation | Hook::PreStart | Hook::Connection => {
                Err(kv::KvError::ReadOnly)
            }
        }
    }
}

fn refused(error: KvError) -> kv::KvError {
    match error {
        KvError::Quota => kv::KvError::Quota,
        KvError::TooLarge => kv::KvError::TooLarge,
    }
}

impl kv::Host for State {
    fn get(&mut self, key: String) -> Option<Vec<u8>> {
        self.policy.kv.get(&key, self.now_ms())
    }

    fn put(&mut self, key: String, value: Vec<u8>, ttl_ms: u64) -> Result<(), kv::KvError> {
        let now = self.now_ms();
        self.may_write().and_then(|()| self.policy.kv.put(&key, value, ttl_ms, now).map_err(refused))
    }

    fn add(&mut self, key: String, delta: i64, ttl_ms: u64) -> Result<i64, kv::KvError> {
        let now = self.now_ms();
        self.may_write().and_then(|()| self.policy.kv.add(&key, delta, ttl_ms, now).map_err(refused))
    }
}
