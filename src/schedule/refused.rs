use std::time::Duration;

/// Why a job was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    pub reason: Reason,
    /// When there may be room; zero where there never will be.
    pub retry_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("as many jobs are waiting as this host lets wait")]
    QueueFull,
    #[error("{max} jobs of this tenant are waiting, and no more may")]
    TenantQueued { max: u32 },
    #[error("{max} jobs of this tenant were taken in during the last minute, and no more may be")]
    TenantPerMinute { max: u32 },
    #[error("it asks for {asked} {}, and the host has {capacity} for jobs", what.unit())]
    NeverFits { what: What, asked: u64, capacity: u64 },
    #[error("the service is stopping")]
    Stopping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Memory,
    Cpus,
}

impl What {
    /// Of `asked` and `capacity`.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Memory => "bytes of memory",
            Self::Cpus => "thousandths of a CPU",
        }
    }

    /// Its name among the limits of a job.
    pub fn limit(self) -> &'static str {
        match self {
            Self::Memory => "memory_bytes",
            Self::Cpus => "cpus",
        }
    }
}

/// The deadline came before its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it did not start before its deadline in the queue")]
pub struct Expired;
