//! What outlives a job.

use super::{Errors, MAX_PATH};
use crate::{VolumeRequest, VolumeSpec};

pub(crate) const MAX_VOLUMES: usize = 16;
/// Where the host's view, which is read-only, has room for mount points.
const HOST_PLACES: [&str; 4] = ["/workspace/", "/tmp/", "/mnt/", "/cache/"];
/// What Stockade itself mounts, and what of it would be hidden or be in the way.
const TAKEN: [&str; 6] = ["/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

impl Errors {
    pub(super) fn volumes(&mut self, volumes: &[VolumeRequest], on_host: bool) -> Vec<VolumeSpec> {
        self.count(&["volumes"], volumes.len(), MAX_VOLUMES);
        let volumes = &volumes[..volumes.len().min(MAX_VOLUMES)];
        for (i, volume) in volumes.iter().enumerate() {
            let index = i.to_string();
            if !is_name(&volume.name) {
                let detail =
                    "1 to 64 lower-case letters, digits, `-`, `_` or `.`, the first a letter or digit";
                self.add(&["volumes", &index, "name"], "invalid", detail);
            }
            if let Some(detail) = wrong_path(&volume.path, on_host) {
                self.add(&["volumes", &index, "path"], "invalid", detail);
            }
            let meets = |other: &&VolumeRequest| {
                within(&volume.path, &other.path) || within(&other.path, &volume.path)
            };
            if volumes[..i].iter().any(|other| meets(&other)) {
                let detail = "the path of another volume, or above or below one";
                self.add(&["volumes", &index, "path"], "conflict", detail);
            }
        }
        let made = volumes.iter().map(|volume| VolumeSpec {
            name: volume.name.clone(),
            path: volume.path.clone(),
            read_only: volume.read_only,
        });
        made.collect()
    }
}

fn is_name(name: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_.".contains(&c);
    (1..=64).contains(&name.len()) && name.bytes().all(fits) && name.as_bytes()[0].is_ascii_alphanumeric()
}

fn wrong_path(path: &str, on_host: bool) -> Option<&'static str> {
    let Some(relative) = path.strip_prefix('/') else { return Some("must be absolute") };
    if path.len() > MAX_PATH
        || relative.split('/').any(|part| matches!(part, "" | "." | "..") || part.len() > 255)
    {
        return Some("must not have an empty, `.` or `..` part, nor one of more than 255 bytes");
    }
    if path.contains('\0') {
        return Some("must not contain NUL");
    }
    if TAKEN.iter().any(|taken| within(path, taken) || within(taken, path))
        || matches!(path, "/workspace" | "/tmp")
    {
        return Some("Stockade's own");
    }
    let room = HOST_PLACES.iter().any(|place| path.starts_with(place)) || matches!(path, "/mnt" | "/cache");
    (on_host && !room)
        .then_some("on `host`: below /workspace, /tmp, /mnt or /cache, or one of the latter two")
}

/// Whether `path` is `folder` or below it.
fn within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
