//! On the real cgroups of this host, each test in a process of its own: finding a place moves the whole process, and
//! a daemon that dies takes its process along.

#![allow(clippy::disallowed_methods, reason = "tests look at the kernel's own files by path")]

mod clone;
mod find;
mod limits;
mod shown;
mod support;
