//! The store, with the tool in a thread in place of a process.

#![expect(clippy::disallowed_methods, reason = "tests look at their own trees by path")]

mod archives;
mod commits;

mod crash;
mod exports;
mod imports;
mod kit;
mod names;
mod shared;
mod sweeps;
mod volumes;
mod walk;
