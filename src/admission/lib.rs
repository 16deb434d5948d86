//! Policies as WebAssembly components: loads them, asks them about every job, and alone mints [`Admitted`].
//!
//! A bundle names policies; [`Admission::load`] builds a set of them and swaps it in whole; [`Admission::admit`] takes a
//! checked job through the chain; a [`Follower`] asks the same set about the job's later life. Every call has an
//! instance of its own and an end. Whatever goes wrong with a policy that is enforced, the job is denied.
//!
//! Invariants: the only crate that knows wasmtime; no policy can make a job run that the chain did not let through; no
//! WASI, clock, random numbers or network for policies.

mod about;
mod admission;
mod ahead;
mod bindings;
mod bundle;
mod cache;
mod call;
mod chain;
mod compile;
pub mod component;
mod document;
mod draft;
mod engine;
mod events;
mod hooks;
mod host;
mod kv;
mod lifecycle;
mod load;
mod newest;
mod policy;
mod recall;
mod record;
mod recorder;
pub mod shipped;
mod stats;
mod summary;
mod sys;
#[cfg(test)]
mod testing;
mod told;
mod unread;
mod verdict;
mod witness;

pub use about::{About, Facts};
pub use admission::{Admission, EngineError, Options};
pub use bundle::{Bundle, BundleError, Entry, Grant, Matcher};
pub use compile::{COMPILER_ROLE, compiler_main};
pub use document::document;
pub use lifecycle::{Follower, Judged};
pub use recorder::{Memories, Recorded};
pub use stats::PolicyStats;
pub use summary::{PolicySummary, Summary};
pub use verdict::{Additions, Admitted, Denial, Verdict};
