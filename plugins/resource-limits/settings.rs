use stockade_policy::prelude::*;

/// Figures by the names that they have in a request.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    cpu_time_ms: Option<u64>,
    wall_time_ms: Option<u64>,
    memory_bytes: Option<u64>,
    pids: Option<u64>,
    output_bytes: Option<u64>,
    disk_bytes: Option<u64>,
    open_files: Option<u64>,
    file_bytes: Option<u64>,
    stack_bytes: Option<u64>,
    /// Thousandths, so that no figure has a fraction.
    cpu_millis: Option<u64>,
}

impl Limits {
    pub(crate) fn get(&self, limit: Limit) -> Option<u64> {
        match limit {
            Limit::CpuTimeMs => self.cpu_time_ms,
            Limit::WallTimeMs => self.wall_time_ms,
            Limit::MemoryBytes => self.memory_bytes,
            Limit::Pids => self.pids,
            Limit::OutputBytes => self.output_bytes,
            Limit::DiskBytes => self.disk_bytes,
            Limit::OpenFiles => self.open_files,
            Limit::FileBytes => self.file_bytes,
            Limit::StackBytes => self.stack_bytes,
            Limit::CpuMillis => self.cpu_millis,
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().filter_map(|limit| Some((limit, self.get(limit)?)))
    }

    pub(crate) fn check(&self, at: &str) -> Vec<SettingsError> {
        let zero = self.all().filter(|(_, value)| *value == 0);
        zero.map(|(limit, _)| SettingsError::new(format!("{at}/{}", key(limit)), "is 0, so no job could run"))
            .collect()
    }
}

fn key(limit: Limit) -> &'static str {
    if limit == Limit::CpuMillis { "cpu_millis" } else { limit.name() }
}

/// For messages: `cpus` are given in thousandths, unlike in a request.
pub(crate) fn unit(limit: Limit) -> &'static str {
    if limit == Limit::CpuMillis { " thousandths" } else { "" }
}
