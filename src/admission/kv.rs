//! A policy's small memory: in this process alone, bounded, with an end for every key that has one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

const MAX_KEYS: usize = 1024;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 64 << 10;
const MAX_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Kv(Mutex<Store>);

#[derive(Debug, Default)]
struct Store {
    entries: BTreeMap<String, Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    /// Milliseconds since 1970; `u64::MAX` for ever.
    ends: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KvError {
    Quota,
    TooLarge,
}

impl Kv {
    pub(crate) fn get(&self, key: &str, now: u64) -> Option<Vec<u8>> {
        self.lock().entries.get(key).filter(|entry| entry.ends > now).map(|entry| entry.value.clone())
    }

    pub(crate) fn put(&self, key: &str, value: Vec<u8>, ttl: u64, now: u64) -> Result<(), KvError> {
        self.lock().put(key, value, end(ttl, now), now)
    }

    /// What is there and is no number counts as 0.
    pub(crate) fn add(&self, key: &str, delta: i64, ttl: u64, now: u64) -> Result<i64, KvError> {
        let mut store = self.lock();
        let old = store.entries.get(key).filter(|entry| entry.ends > now);
        let number = old.and_then(|entry| std::str::from_utf8(&entry.value).ok()?.parse::<i64>().ok());
        let ends = old.map_or_else(|| end(ttl, now), |entry| entry.ends);
        let sum = number.unwrap_or(0).saturating_add(delta);
        store.put(key, sum.to_string().into_bytes(), ends, now)?;
        Ok(sum)
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock().entries.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect()
    }

    /// What can be read now, each with what is left of its time; 0 for ever.
    pub(crate) fn living(&self, now: u64) -> Vec<(String, Vec<u8>, u64)> {
        let left = |entry: &Entry| if entry.ends == u64::MAX { 0 } else { entry.ends - now };
        let store = self.lock();
        let living = store.entries.iter().filter(|(_, entry)| entry.ends > now);
        living.map(|(key, entry)| (key.clone(), entry.value.clone(), left(entry))).collect()
    }

    /// In place of everything, and without an end.
    pub(crate) fn replace(&self, all: &BTreeMap<String, Vec<u8>>) {
        self.restore(all.iter().map(|(key, value)| (key.clone(), value.clone(), 0)), 0);
    }

    /// What [`Kv::living`] gave at such a time, in place of everything.
    pub(crate) fn restore(&self, all: impl IntoIterator<Item = (String, Vec<u8>, u64)>, now: u64) {
        let mut store = self.lock();
        *store = Store::default();
        for (key, value, ttl) in all {
            // What does not fit now did not fit where it comes from.
            store.put(&key, value, end(ttl, now), now).ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // Nothing under the lock can leave the store half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(ttl: u64, now: u64) -> u64 {
    if ttl == 0 { u64::MAX } else { now.saturating_add(ttl) }
}

impl Store {
    fn put(&mut self, key: &str, value: Vec<u8>, ends: u64, now: u64) -> Result<(), KvError> {
        if key.is_empty() || key.len() > MAX_KEY || value.len() > MAX_VALUE {
            return Err(KvError::TooLarge);
        }
        let freed = self.entries.get(key).map_or(0, |old| key.len() + old.value.len());
        let size = key.len() + value.len();
        if !self.has_room(key, size, freed) {
            self.sweep(now);
            if !self.has_room(key, size, freed) {
                return Err(KvError::Quota);
            }
        }
        // The sweep may have taken the old value with it.
        let freed = self.entries.get(key).map_or(0, |old| key.len() + old.value.len());
        self.bytes = self.bytes - freed + size;
        self.entries.insert(key.to_owned(), Entry { value, ends });
        Ok(())
    }

    fn has_room(&self, key: &str, size: usize, freed: usize) -> bool {
        let known = self.entries.contains_key(key);
        (known || self.entries.len() < MAX_KEYS) && self.bytes - freed.min(self.bytes) + size <= MAX_BYTES
    }

    fn sweep(&mut self, now: u64) {
        self.entries.retain(|_, entry| entry.ends > now);
        self.bytes = self.entries.iter().map(|(key, entry)| key.len() + entry.value.len()).sum();
    }
}

#[cfg(test)]
mod tests;
