//! Lines for the operator's log: at most 64 a call, each cut at 1024 bytes.

pub use crate::bindings::stockade::policy::log::Level;
use crate::host::log;

pub fn debug(message: &str) {
    log::log(Level::Debug, message);
}

pub fn info(message: &str) {
    log::log(Level::Info, message);
}

pub fn warn(message: &str) {
    log::log(Level::Warn, message);
}

pub fn error(message: &str) {
    log::log(Level::Error, message);
}
