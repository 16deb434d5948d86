//! The table of operations: every route of `router`, and what it can answer.

mod about;
mod blobs;
mod images;
mod jobs;
mod one_job;
mod volumes;

use super::operation::Operation;

const JOBS: &str = "jobs";
const BLOBS: &str = "blobs";
const IMAGES: &str = "images";
const VOLUMES: &str = "volumes";
const SERVER: &str = "server";

pub(super) const TAGS: [(&str, &str); 5] = [
    (JOBS, "Send jobs, follow them, and fetch what they left."),
    (BLOBS, "Bytes that jobs name by digest, sent once however often they are used."),
    (IMAGES, "Root filesystems for jobs, of a tenant or everybody's."),
    (VOLUMES, "Folders that jobs keep things in, beyond their end."),
    (SERVER, "What this server is, has and enforces."),
];

pub(super) fn all() -> Vec<Operation> {
    jobs::operations()
        .into_iter()
        .chain(one_job::operations())
        .chain(blobs::operations())
        .chain(images::operations())
        .chain(volumes::operations())
        .chain(about::operations())
        .collect()
}
