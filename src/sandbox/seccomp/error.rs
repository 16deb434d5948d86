//! Why a profile is refused.

use super::program::MAX_INSTRUCTIONS;

#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("give `architectures` or `archMap`, not both")]
    TwoArchitectureLists,
    /// `at` is `defaultAction` or an entry such as `syscalls[3]`.
    #[error("{at}: {problem}")]
    Rule { at: String, problem: RuleError },
    #[error("the filter has {instructions} instructions, the kernel takes {MAX_INSTRUCTIONS}")]
    TooLong { instructions: usize },
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("give `names` or `name`, with at least one name")]
    Names,
    #[error("{0} needs a tracer or a listener, which a job does not have; use SCMP_ACT_ERRNO")]
    Action(&'static str),
    #[error("{0} is not an errno (1 to 4095)")]
    Errno(u32),
    #[error("an errno goes with SCMP_ACT_ERRNO only")]
    StrayErrno,
    #[error("`{0}` needs its number beside it, in `errnoRet` or `defaultErrnoRet`")]
    NamedErrno(String),
    #[error("a system call has the arguments 0 to 5, not {0}")]
    ArgumentIndex(u8),
    #[error("argument {0} is compared twice, which runc reads as `either`; write two rules")]
    ArgumentTwice(u8),
    #[error("`valueTwo` has bits outside the mask `value`, so it never matches")]
    Mask,
    #[error("`{0}` is not a kernel version such as 4.8")]
    KernelVersion(String),
}
