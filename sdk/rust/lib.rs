//! Write a Stockade policy in Rust.
//!
//! A policy is its settings: one `serde` struct. Each hook that it wants is a trait on that struct, and [`export!`] names
//! them. It becomes a WebAssembly component with `stockade policy build`, and is tested without one by `cargo test`, through
//! [`testing`].
//!
//! ```
//! use stockade_policy::{Denial, Job, Notes, Policy, Validate, Verdict};
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct MemoryCap {
//!     max_memory_bytes: u64,
//! }
//!
//! impl Policy for MemoryCap {}
//!
//! impl Validate for MemoryCap {
//!     fn validate(&self, job: &Job) -> Verdict {
//!         match job.steps().find(|step| step.memory_bytes() > self.max_memory_bytes) {
//!             None => Ok(Notes::default()),
//!             Some(step) => Err(Denial::new("too-much-memory", format!("at most {} bytes", self.max_memory_bytes))
//!                 .field(step.pointer("/limits/memory_bytes"))),
//!         }
//!     }
//! }
//!
//! stockade_policy::export!(MemoryCap: validation);
//!
//! use stockade_policy::testing;
//! let run = testing::validate::<MemoryCap>(&testing::Job::new().memory_bytes(2048), r#"{"max_memory_bytes": 1024}"#);
//! assert_eq!(run.denial().code(), "too-much-memory");
//! ```
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[doc(hidden)]
pub mod bindings;
pub mod call;
mod container;
pub mod env;
mod export;
pub mod facts;
pub mod files;
pub mod fmt;
pub mod glob;
mod host;
mod job;
pub mod kv;
pub mod log;
pub mod metrics;
mod outcome;
pub mod patch;
mod policy;
pub mod prelude;
mod settings;
mod step;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod verdict;

pub use bindings::stockade::policy::job::{Case, File, Volume};
pub use bindings::stockade::policy::types::Pair;
pub use container::Container;
#[doc(hidden)]
pub use export::runtime;
pub use job::Job;
pub use outcome::Outcome;
pub use patch::PatchError;
pub use policy::{Connection, Mutate, OnExited, OnStarted, Policy, PreStart, Validate};
pub use settings::SettingsError;
pub use step::{Limit, Step};
pub use verdict::{Additions, Denial, Notes, Verdict};
