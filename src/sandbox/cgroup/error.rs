//! What can go wrong with a cgroup, each with the file it went wrong at.

use std::{io, path::PathBuf};

use nix::errno::Errno;

#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    #[error("cannot read {file}: {source}")]
    Host { file: &'static str, source: io::Error },
    /// Neither the group this process stands in nor a prepared one lets it make groups.
    #[error("no cgroup is delegated to this process (last tried {}: {errno})", tried.display())]
    NotDelegated { tried: PathBuf, errno: Errno },
    /// A v2 group is writable, but moving into it takes rights on the common ancestor too.
    #[error("the cgroup {} is prepared, but this process does not stand inside it", tree.display())]
    Outside { tree: PathBuf },
    /// v2 refuses controllers to the children of a group that holds processes itself.
    #[error("the cgroup {} holds other processes, so its controllers cannot be passed on", tree.display())]
    Occupied { tree: PathBuf },
    #[error("this host's cgroups have no memory, pids or cpu controller for {}", tree.display())]
    NoControllers { tree: PathBuf },
    /// A limit was asked for whose controller is missing: `cgroup.memory`, `.pids`, `.cpu` or `.swap`.
    #[error("{layer} cannot be enforced on this host")]
    Missing { layer: &'static str },
    #[error("cannot {operation} {file}: {errno}")]
    Failed { operation: &'static str, file: String, errno: Errno },
    /// Processes are still dying in there: try again when they are reaped.
    #[error("the cgroup {file} still holds processes")]
    Busy { file: String },
}

impl CgroupError {
    /// For `map_err`: `label` and `file` are only put together when something failed.
    pub(super) fn at<'a>(
        operation: &'static str,
        label: &'a str,
        file: &'a str,
    ) -> impl FnOnce(Errno) -> Self + use<'a> {
        move |errno| Self::Failed { operation, file: format!("{label}/{file}"), errno }
    }

    /// Whether a scope from systemd may mend it: the place is wrong, not the host.
    pub fn wants_delegation(&self) -> bool {
        matches!(
            self,
            Self::NotDelegated { .. }
                | Self::Outside { .. }
                | Self::Occupied { .. }
                | Self::NoControllers { .. }
        )
    }

    /// What the kernel said, where it was asked.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::NotDelegated { errno, .. } | Self::Failed { errno, .. } => Some(*errno),
            Self::Busy { .. } => Some(Errno::EBUSY),
            Self::Missing { .. } | Self::NoControllers { .. } => Some(Errno::EOPNOTSUPP),
            Self::Host { .. } | Self::Outside { .. } | Self::Occupied { .. } => None,
        }
    }
}
