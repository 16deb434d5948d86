//! A finished filter.

use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use seccompiler::{BpfProgram, sock_filter};

use super::error::ProfileError;

/// `BPF_MAXINSNS` of `linux/bpf_common.h`.
pub(super) const MAX_INSTRUCTIONS: usize = 4096;

/// A seccomp filter as the kernel takes it: between 1 and 4096 instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(BpfProgram);

#[derive(Debug, thiserror::Error)]
#[error("load the seccomp filter: {0}")]
pub struct LoadError(#[from] seccompiler::Error);

impl LoadError {
    /// For the step report, which has room for a number only.
    pub fn errno(&self) -> i32 {
        match &self.0 {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => {
                error.raw_os_error().unwrap_or(libc::EINVAL)
            }
            _ => libc::EINVAL,
        }
    }
}

impl Program {
    pub(super) fn new(instructions: BpfProgram) -> Result<Self, ProfileError> {
        if (1..=MAX_INSTRUCTIONS).contains(&instructions.len()) {
            Ok(Self(instructions))
        } else {
            Err(ProfileError::TooLong { instructions: instructions.len() })
        }
    }

    /// Filters the calling thread and everything it starts from now on, for ever; sets `no_new_privs` first, without
    /// which the kernel refuses (seccomp(2)). Allocates nothing unless it fails.
    pub fn load(&self) -> Result<(), LoadError> {
        Ok(seccompiler::apply_filter(&self.0)?)
    }

    /// The same for all threads that this process has (`SECCOMP_FILTER_FLAG_TSYNC`).
    pub fn load_everywhere(&self) -> Result<(), LoadError> {
        Ok(seccompiler::apply_filter_all_threads(&self.0)?)
    }

    /// How many instructions.
    #[expect(clippy::len_without_is_empty, reason = "a program is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[cfg(test)]
    pub(super) fn instructions(&self) -> &[sock_filter] {
        &self.0
    }
}

/// `code`, `jt`, `jf`, `k` of `struct sock_filter`.
type Instruction = (u16, u8, u8, u32);

impl Serialize for Program {
    /// Whole for the launcher; in a dry run only the length: the profile's digest says which one it is.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let mut summary = serializer.serialize_struct("Program", 1)?;
            summary.serialize_field("instructions", &self.len())?;
            return summary.end();
        }
        serializer.collect_seq(self.0.iter().map(|i| -> Instruction { (i.code, i.jt, i.jf, i.k) }))
    }
}

impl<'de> Deserialize<'de> for Program {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Err(D::Error::custom("a seccomp program cannot be read back from its summary"));
        }
        let instructions = Vec::<Instruction>::deserialize(deserializer)?;
        let instructions = instructions.into_iter().map(|(code, jt, jf, k)| sock_filter { code, jt, jf, k });
        Self::new(instructions.collect()).map_err(D::Error::custom)
    }
}
