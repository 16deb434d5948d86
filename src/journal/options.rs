use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Options {
    /// Made with mode 0700 where it is missing; the mode of one that exists stays as it is.
    pub folder: PathBuf,
    pub durability: Durability,
    pub retention: Retention,
}

impl Options {
    /// With the defaults for all else.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), durability: Durability::default(), retention: Retention::default() }
    }
}

/// What a committed write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process at any instant, `kill -9` included (`synchronous = NORMAL`). After a power loss the newest
    /// commits may be missing; what is there is whole.
    #[default]
    Process,
    /// Power loss too (`synchronous = FULL`): one fsync(2) for each group of commits and each blob.
    Power,
}

/// How long and how much is kept. Unfinished jobs are never dropped.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Since a job has ended; `None`: for ever.
    pub max_age: Option<Duration>,
    /// Per tenant: events, summaries and artifacts of finished jobs. The oldest go first.
    pub max_bytes: u64,
    /// Per tenant: what it has uploaded. More is refused.
    pub max_blob_bytes: u64,
    pub per_tenant: BTreeMap<String, TenantRetention>,
    /// An upload that no job refers to is kept so long after it was sent or last used.
    pub blob_grace: Duration,
    /// New jobs and uploads are refused where the file system has less than this left; it is what running jobs end with.
    pub keep_free_bytes: u64,
}

/// In place of the general figures, where given.
#[derive(Clone, Debug, Default)]
pub struct TenantRetention {
    pub max_age: Option<Duration>,
    pub max_bytes: Option<u64>,
    pub max_blob_bytes: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: Some(Duration::from_hours(7 * 24)),
            max_bytes: 1 << 30,
            max_blob_bytes: 1 << 30,
            per_tenant: BTreeMap::new(),
            blob_grace: Duration::from_hours(1),
            keep_free_bytes: 64 << 20,
        }
    }
}

impl Retention {
    pub(crate) fn max_age(&self, tenant: &str) -> Option<Duration> {
        self.own(tenant, |own| own.max_age).or(self.max_age)
    }

    pub(crate) fn max_bytes(&self, tenant: &str) -> u64 {
        self.own(tenant, |own| own.max_bytes).unwrap_or(self.max_bytes)
    }

    pub(crate) fn max_blob_bytes(&self, tenant: &str) -> u64 {
        self.own(tenant, |own| own.max_blob_bytes).unwrap_or(self.max_blob_bytes)
    }

    fn own<T>(&self, tenant: &str, value: impl Fn(&TenantRetention) -> Option<T>) -> Option<T> {
        self.per_tenant.get(tenant).and_then(value)
    }
}
