//! Archives as their makers do not write them, and trees as jobs leave them.

#![allow(clippy::disallowed_methods, reason = "tests look at their own trees by path")]

mod caps;
mod escape;
mod headers;
mod lab;
mod pack;
mod plain;
mod split;
mod trees;
mod whiteouts;
