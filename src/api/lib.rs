//! The HTTP edge: from a request on the wire to a [`model::JobRequest`], and from a [`model::Job`] to an answer.
//!
//! A request passes `edge` (its id, its problem bodies, its log line), `guard` (is this caller's browser being tricked?),
//! `caller` (who is it?) and one handler. Handlers check parameters and convert types; `runner` moves a job along and
//! `store` finds it, in memory or in the journal.
//!
//! Invariants: a job, once answered with an id, ends in a final status whatever happens to the client or to the task
//! that runs it; no lock is held across an await; every error leaves through `problem`.

#![forbid(unsafe_code)]

mod admit;
mod blobs;
mod callbacks;
mod caller;
mod capabilities;
mod config;
mod contents;
mod digest;
mod docs;
mod download;
mod edge;
mod etag;
mod guard;
mod health;
mod held;
mod idempotency;
mod images;
mod jobs;
mod json;
mod openapi;
mod policies;
mod problem;
mod query;
mod range;
mod receive;
mod router;
mod runner;
mod segment;
mod serve;
mod sse;
mod store;
mod telemetry;
#[cfg(test)]
mod testing;
mod usage;
mod volumes;
mod wait;

pub use admit::aside;
pub use callbacks::{Allow, AllowError};
pub use caller::{Callers, Role, tokens};
pub use config::Config;
pub use policies::{ReloadError, reload_policies};
pub use router::{Service, Stages};
pub use runner::Drain;
pub use serve::{Listener, Tls, TlsError, serve};
pub use telemetry::{Signals, Telemetry, metrics};
