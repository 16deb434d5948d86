//! The table of operations: every route of `router`, and what it can answer.

mod about;
mod blobs;
mod jobs;
mod one_job;

use super::operation::Operation;

const JOBS: &str = "jobs";
const BLOBS: &str = "blobs";
const SERVER: &str = "server";

pub(super) const TAGS: [(&str, &str); 3] = [
    (JOBS, "Send jobs, follow them, and fetch what they left."),
    (BLOBS, "Bytes that jobs name by digest, sent once however often they are used."),
    (SERVER, "What this server is, has and enforces."),
];

pub(super) fn all() -> Vec<Operation> {
    jobs::operations()
        .into_iter()
        .chain(one_job::operations())
        .chain(blobs::operations())
        .chain(about::operations())
        .collect()
}
