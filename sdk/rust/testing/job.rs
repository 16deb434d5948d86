use std::collections::{BTreeMap, BTreeSet};

use crate::{Case, Limit, Pair, Volume};

/// A job, and what the service knows around it. Starts as a job of tenant `default` with one step `true` and the service's
/// default limits.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    pub tenant: String,
    pub submitter: String,
    pub image: String,
    pub image_digest: Option<String>,
    pub steps: Vec<Step>,
    pub files: Vec<(String, Vec<u8>)>,
    pub volumes: Vec<Volume>,
    pub network_mode: String,
    pub network_hosts: Vec<String>,
    pub user: u32,
    pub artifacts: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub priority: i32,
    pub max_attempts: u32,
    pub requirements: Vec<String>,
    /// In `pre_start`, `on_started` and `on_exited`.
    pub container: Container,
    /// In `on_exited`.
    pub outcome: Outcome,
    pub request_id: String,
    pub now_unix_ms: u64,
    /// By tenant.
    pub running_jobs: BTreeMap<String, u32>,
    pub queued_jobs: BTreeMap<String, u32>,
    pub reserved_memory_bytes: BTreeMap<String, u64>,
    /// By table and key.
    pub tables: BTreeMap<(String, String), String>,
    /// The policy's memory.
    pub kv: BTreeMap<String, Vec<u8>>,
    pub(super) may_loosen: bool,
    pub(super) owned: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub name: String,
    pub command: Vec<String>,
    pub cases: Vec<Case>,
    pub workdir: String,
    pub profile: String,
    pub env: BTreeMap<String, String>,
    pub limits: BTreeMap<Limit, u64>,
}

#[derive(Clone, Debug, Default)]
pub struct Container {
    pub namespaces: Vec<String>,
    pub host_uid: u32,
    pub id_map: String,
    pub capabilities: Vec<String>,
    pub no_new_privs: bool,
    pub seccomp: Vec<Pair>,
    pub landlock_abi: Option<u32>,
    pub cgroup_version: String,
    pub cgroup_controllers: Vec<String>,
    pub root_filesystem: String,
    pub network: String,
    pub degraded: Vec<String>,
    /// The whole receipt.
    pub receipt: serde_json::Value,
}

#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub status: String,
    pub cause: Option<String>,
    pub exit_code: Option<i32>,
    pub signal: Option<String>,
    pub wall_time_us: u64,
    pub cpu_time_us: u64,
    pub memory_peak_bytes: u64,
    /// The whole result.
    pub result: serde_json::Value,
}

impl Default for Step {
    fn default() -> Self {
        let limits = [
            (Limit::CpuTimeMs, 10_000),
            (Limit::WallTimeMs, 30_000),
            (Limit::MemoryBytes, 512 << 20),
            (Limit::Pids, 128),
            (Limit::OutputBytes, 1 << 20),
            (Limit::DiskBytes, 256 << 20),
            (Limit::OpenFiles, 1024),
            (Limit::FileBytes, 256 << 20),
            (Limit::StackBytes, 8 << 20),
            (Limit::CpuMillis, 1000),
        ];
        Self {
            name: "run".into(),
            command: vec!["true".into()],
            cases: Vec::new(),
            workdir: "/workspace".into(),
            profile: "default".into(),
            env: BTreeMap::new(),
            limits: limits.into(),
        }
    }
}

impl Default for Job {
    fn default() -> Self {
        Self {
            id: "01936f3e-0000-7000-8000-000000000001".into(),
            tenant: "default".into(),
            submitter: "local".into(),
            image: "host".into(),
            image_digest: None,
            steps: vec![Step::default()],
            files: Vec::new(),
            volumes: Vec::new(),
            network_mode: "none".into(),
            network_hosts: Vec::new(),
            user: 1000,
            artifacts: Vec::new(),
            labels: BTreeMap::new(),
            priority: 0,
            max_attempts: 1,
            requirements: Vec::new(),
            container: Container::default(),
            outcome: Outcome::default(),
            request_id: String::new(),
            now_unix_ms: 1_767_225_600_000,
            running_jobs: BTreeMap::new(),
            queued_jobs: BTreeMap::new(),
            reserved_memory_bytes: BTreeMap::new(),
            tables: BTreeMap::new(),
            kv: BTreeMap::new(),
            may_loosen: false,
            owned: BTreeSet::new(),
        }
    }
}

impl Job {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn tenant(mut self, name: &str) -> Self {
        self.tenant = name.into();
        self
    }

    #[must_use]
    pub fn submitter(mut self, name: &str) -> Self {
        self.submitter = name.into();
        self
    }

    #[must_use]
    pub fn image(mut self, reference: &str) -> Self {
        self.image = reference.into();
        self
    }

    #[must_use]
    pub fn image_digest(mut self, digest: &str) -> Self {
        self.image_digest = Some(digest.into());
        self
    }

    /// Of every step.
    #[must_use]
    pub fn command<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        let command: Vec<String> = words.into_iter().map(Into::into).collect();
        for step in &mut self.steps {
            step.command.clone_from(&command);
        }
        self
    }

    /// A further step, like the first one so far.
    #[must_use]
    pub fn step(mut self, name: &str) -> Self {
        self.steps.push(Step { name: name.into(), ..self.steps[0].clone() });
        self
    }

    /// Of every step.
    #[must_use]
    pub fn limit(mut self, limit: Limit, value: u64) -> Self {
        for step in &mut self.steps {
            step.limits.insert(limit, value);
        }
        self
    }

    #[must_use]
    pub fn memory_bytes(self, value: u64) -> Self {
        self.limit(Limit::MemoryBytes, value)
    }

    /// Of every step.
    #[must_use]
    pub fn profile(mut self, name: &str) -> Self {
        for step in &mut self.steps {
            step.profile = name.into();
        }
        self
    }

    /// In every step.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        for step in &mut self.steps {
            step.env.insert(name.into(), value.into());
        }
        self
    }

    #[must_use]
    pub fn file(mut self, path: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.into(), contents.into()));
        self
    }

    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Network mode `allow` with these hosts.
    #[must_use]
    pub fn network_hosts<S: Into<String>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.network_mode = "allow".into();
        self.network_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    #[must_use]
    pub fn network_mode(mut self, mode: &str) -> Self {
        self.network_mode = mode.into();
        self
    }

    #[must_use]
    pub fn running_jobs(mut self, tenant: &str, count: u32) -> Self {
        self.running_jobs.insert(tenant.into(), count);
        self
    }

    #[must_use]
    pub fn queued_jobs(mut self, tenant: &str, count: u32) -> Self {
        self.queued_jobs.insert(tenant.into(), count);
        self
    }

    #[must_use]
    pub fn reserved_memory_bytes(mut self, tenant: &str, bytes: u64) -> Self {
        self.reserved_memory_bytes.insert(tenant.into(), bytes);
        self
    }

    /// An entry of a table of facts.
    #[must_use]
    pub fn table(mut self, table: &str, key: &str, value: &str) -> Self {
        self.tables.insert((table.into(), key.into()), value.into());
        self
    }

    /// An entry of the policy's memory.
    #[must_use]
    pub fn kv(mut self, key: &str, value: &str) -> Self {
        self.kv.insert(key.into(), value.into());
        self
    }

    #[must_use]
    pub fn now_unix_ms(mut self, now: u64) -> Self {
        self.now_unix_ms = now;
        self
    }

    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    #[must_use]
    pub fn container(mut self, container: Container) -> Self {
        self.container = container;
        self
    }

    /// Grants `loosen`.
    #[must_use]
    pub fn loosen(mut self) -> Self {
        self.may_loosen = true;
        self
    }

    /// Another policy has changed this: a name as in [`Patch::what`](super::Patch), such as `memory-bytes` or `label`.
    #[must_use]
    pub fn owned(mut self, what: &str) -> Self {
        self.owned.insert(what.into());
        self
    }
}
