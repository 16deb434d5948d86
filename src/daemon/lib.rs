//! Wires the stages of a daemon: settings, log, listener, start and stop order.
//!
//! **Architecture Invariant:** no logic of its own. What a route answers is `api`'s, how a job runs is `supervise`'s and
//! `sandbox`'s. The caller starts the launcher and hands it in, because that forks and [`serve`] makes threads.

#![forbid(unsafe_code)]

mod config;
mod delegate;
mod entrance;
mod folders;
mod harden;
mod images;
mod listen;
mod log;
mod machine;
mod privilege;
mod serve;
mod settings;
mod state;
mod stores;
mod telemetry;

pub use config::{Config, Service, Shown, schema, shown};
pub use delegate::{DelegateError, ask_systemd};
pub use entrance::Entrance;
pub use harden::{NoLandlock, Walls, confine};
pub use images::images;
pub use listen::Address;
pub use privilege::{DAEMON, shed};
pub use serve::serve;
pub use settings::{
    ConfigError, LimitsSettings, LogFormat, Origin, RetentionSettings, Settings, TelemetrySettings,
    TenantSettings,
};
pub use state::{Owner, state_dir, state_dir_name, state_dir_of};
pub use stores::stores;
