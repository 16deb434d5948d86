//! `job-env`, `job-files`, `metrics`, `facts` and `kv`: there where the bundle grants them.

use std::sync::atomic::Ordering::Relaxed;

use model::Hook;

use super::State;
use super::search::Texts;
use crate::bindings::types::Pair;
use crate::bindings::{facts, job_env, job_files, kv, metrics};
use crate::kv::KvError;
use crate::policy::Policy;
use crate::witness::View;

const MAX_READ: usize = 1 << 20;

impl job_env::Host for State {
    fn values(&mut self, step: u32) -> Option<Vec<Pair>> {
        let view = self.witness.look();
        let step = view.spec().steps.get(step as usize)?;
        let pair = |(key, value): (&String, &String)| Pair { key: key.clone(), value: value.clone() };
        let all = step.env.iter().chain(step.cases.iter().flat_map(|case| &case.env));
        Some(view.timed(all).map(pair).collect())
    }
}

impl job_files::Host for State {
    fn read(&mut self, path: String, offset: u64, length: u32) -> Option<Vec<u8>> {
        let file = self.witness.look().spec().files.iter().find(|file| file.path == path);
        file.map(|file| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.contents.len());
            let rest = &file.contents[start..];
            rest[..rest.len().min(length as usize).min(MAX_READ)].to_vec()
        })
    }

    fn may_contain(&mut self, texts: Vec<String>) -> bool {
        let texts = Texts::new(&texts);
        self.witness.ask(texts.bytes(), move |view| {
            texts.may_be_in(&view.spec().files.iter().map(|file| &*file.contents))
        })
    }
}

impl metrics::Host for State {
    fn increment(&mut self, name: String, by: u64) {
        self.witness.tell(name.len(), move |view| {
            let Policy { metrics, stats, .. } = &*view.policy;
            if metrics.contains(&name) {
                stats.metric(&name, by);
            } else {
                stats.dropped_metrics.fetch_add(1, Relaxed);
            }
        });
    }
}

impl facts::Host for State {
    fn running_jobs(&mut self, tenant: String) -> u32 {
        self.witness
            .ask(tenant.len(), move |view| view.about.facts.running_jobs.get(&tenant).copied().unwrap_or(0))
    }

    fn queued_jobs(&mut self, tenant: String) -> u32 {
        self.witness
            .ask(tenant.len(), move |view| view.about.facts.queued_jobs.get(&tenant).copied().unwrap_or(0))
    }

    fn reserved_memory_bytes(&mut self, tenant: String) -> u64 {
        self.witness.ask(tenant.len(), move |view| {
            view.about.facts.reserved_memory_bytes.get(&tenant).copied().unwrap_or(0)
        })
    }

    fn lookup(&mut self, table: String, key: String) -> Option<String> {
        self.witness.ask(table.len() + key.len(), move |view| {
            view.policy.tables.get(&table).and_then(|table| table.get(&key)).cloned()
        })
    }
}

impl View {
    /// A decision must not depend on how often it was asked for.
    fn may_write(&self) -> Result<(), kv::KvError> {
        match self.hook {
            // By what it was not told.
            _ if self.is_cut() => Err(kv::KvError::ReadOnly),
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
        self.witness.ask(key.len(), move |view| view.policy.kv.get(&key, view.now_ms()))
    }

    fn put(&mut self, key: String, value: Vec<u8>, ttl_ms: u64) -> Result<(), kv::KvError> {
        let view = self.witness.look();
        view.may_write()
            .and_then(|()| view.policy.kv.put(&key, value, ttl_ms, view.now_ms()).map_err(refused))
    }

    fn add(&mut self, key: String, delta: i64, ttl_ms: u64) -> Result<i64, kv::KvError> {
        let view = self.witness.look();
        view.may_write()
            .and_then(|()| view.policy.kv.add(&key, delta, ttl_ms, view.now_ms()).map_err(refused))
    }
}
