//! The named steps of building a sandbox, and what a failed one reports.

use std::io;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

/// One word per step. `init/mod.rs` and `init/program.rs` have them in their order, and say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    // In the launcher.
    Cgroup,
    Clone,
    IdMap,
    // In init, once per sandbox.
    Descriptors,
    EnterCgroup,
    Time,
    Identity,
    ParentDeath,
    Propagation,
    Scratch,
    Root,
    Proc,
    UserNamespaces,
    Places,
    Terminals,
    Masks,
    View,
    Pivot,
    Hostname,
    Loopback,
    Keyring,
    ScratchSize,
    Overlay,
    Lend,
    Volumes,
    Fill,
    Capabilities,
    NoNewPrivs,
    Landlock,
    Files,
    // In each program, before its exec.
    Fork,
    EnterStepCgroup,
    Session,
    OomScore,
    Affinity,
    Stdio,
    Limits,
    WorkingDirectory,
    Restrict,
    Seccomp,
    Exec,
}

/// Fixed-size, so a child can report it without allocating; the parent turns it into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepError {
    pub step: Step,
    /// Which one, where a step does several things: a mount, a file, a limit.
    pub index: u16,
    pub errno: i32,
}

impl StepError {
    pub(crate) fn new(step: Step, index: usize, error: &io::Error) -> Self {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        Self { step, index, errno: error.raw_os_error().unwrap_or(libc::EPROTO) }
    }

    /// The kernel's word, such as `ENOENT`.
    pub fn errno_name(&self) -> String {
        format!("{:?}", Errno::from_raw(self.errno))
    }

    /// In the words of strerror(3).
    pub fn reason(&self) -> &'static str {
        Errno::from_raw(self.errno).desc()
    }

    /// What usually mends it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match (self.step, Errno::from_raw(self.errno)) {
            (Step::Clone, Errno::EPERM) => "user namespaces are refused here: see `stockade doctor`",
            (Step::Clone, Errno::ENOSPC) => {
                "user.max_user_namespaces or another limit on namespaces is reached"
            }
            (Step::Clone, Errno::EAGAIN) => "the limit on processes (RLIMIT_NPROC, pids.max) is reached",
            (_, Errno::EMFILE) => "the launcher's limit on open files (RLIMIT_NOFILE) is reached",
            (_, Errno::ENFILE) => "this host's limit on open files (fs.file-max) is reached",
            (Step::Proc, Errno::EPERM) => {
                "/proc of this host is masked (a container?): start it with systempaths=unconfined"
            }
            (Step::Overlay, Errno::EINVAL | Errno::EPERM) => {
                "overlayfs is refused here: see `stockade doctor`"
            }
            (Step::Root, Errno::ENOENT) => "a layer of the image is gone: pull it again",
            (Step::Volumes, Errno::EEXIST | Errno::ELOOP | Errno::ENOTDIR | Errno::EXDEV) => {
                "the image, or an earlier step, has a link or a file in the way of the volume's path"
            }
            (Step::Files, Errno::ENOSPC) => "the files do not fit into `disk_bytes`",
            (Step::WorkingDirectory, Errno::ENOENT) => "`workdir` does not exist in the sandbox",
            _ => return None,
        })
    }
}

impl std::fmt::Display for StepError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step {:?}[{}]: {} ({})", self.step, self.index, self.reason(), self.errno_name())
    }
}

impl std::error::Error for StepError {}

/// Names the step that an `io` or nix call belongs to.
pub(crate) trait At<T> {
    fn at(self, step: Step, index: usize) -> Result<T, StepError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, step: Step, index: usize) -> Result<T, StepError> {
        self.map_err(|error| StepError::new(step, index, &error.into()))
    }
}
