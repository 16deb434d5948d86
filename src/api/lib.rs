//! The HTTP edge: from a request on the wire to a [`model::JobRequest`], and from a [`model::Job`] to an answer.
//!
//! A request passes `edge` (its id, its problem bodies, its log line), `guard` (is this caller's browser being tricked?)
//! and one handler. Handlers check parameters and convert types; `runner` moves a job along and `records` remembers it.
//!
//! Invariants: a job, once answered with an id, ends in a final status whatever happens to the client or to the task
//! that runs it; no lock is held across an await; every error leaves through `problem`.

#![forbid(unsafe_code)]

mod admit;
mod capabilities;
mod config;
mod edge;
mod guard;
mod health;
mod jobs;
mod json;
mod policies;
mod problem;
mod records;
mod router;
mod runner;
mod serve;
#[cfg(test)]
mod testing;
mod wait;

pub use config::Config;
pub use policies::{ReloadError, reload_policies};
pub use router::router;
pub use runner::Drain;
pub use serve::serve;
