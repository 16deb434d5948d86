//! Images and volumes: what jobs have for a root filesystem, and what they keep beyond their end.
//!
//! ```text
//! registry, archive ──▶ blobs (verified) ──▶ tool: unpack ──▶ layers, each once ──▶ a job's overlay ──▶ tool: pack ──▶ blobs
//! ```
//!
//! Trees that a job or an image could have shaped are touched by [`tool`] alone, in a process of its own that the launcher
//! clones: it can reach what it was handed, by descriptor, and nothing else.

#![forbid(unsafe_code)]

pub mod tool;
