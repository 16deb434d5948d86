//! On the real cgroups of this host, each test in a process of its own: finding a place moves the whole process, and
//! opening `tasks` for a job changes the effective uid of all threads.

mod clone;
mod find;
mod limits;
mod support;
