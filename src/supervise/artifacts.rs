//! Collected files: descriptors come from init, contents are read and hashed here, once.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

use model::{Artifact, ArtifactError};
use sandbox::protocol::{Order, Report};
use sha2::{Digest, Sha256};

use crate::Collected;
use crate::broken::Broken;
use crate::container::Container;
use crate::orders::Orders;

const MOST_FILES: u32 = 1000;
/// All of a job's artifacts together; they are held in memory.
const MOST_BYTES: u64 = 64 << 20;
const MOST_ERRORS: usize = 1000;

type Artifacts = (Vec<Collected>, Vec<ArtifactError>);

/// For walking a tree whose names and depth the job chose; past it, or when cancelled, what is collected is answered.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn collect(
    container: &mut Container,
    orders: &mut Orders,
    patterns: &[String],
) -> Result<Artifacts, Broken> {
    let mut artifacts = (Vec::new(), Vec::new());
    if patterns.is_empty() || container.receipt.is_none() {
        return Ok(artifacts);
    }
    let stopped = tokio::select! {
        done = tokio::time::timeout(PATIENCE, collect_all(container, patterns, &mut artifacts)) => match done {
            Ok(done) => return done.map(|()| artifacts),
            Err(_) => "collecting took too long",
        },
        () = orders.cancelled() => "cancelled while files were collected",
    };
    artifacts.1.push(refusal(String::new(), "incomplete", stopped));
    Ok(artifacts)
}

async fn collect_all(
    container: &mut Container,
    patterns: &[String],
    (collected, errors): &mut Artifacts,
) -> Result<(), Broken> {
    container.send(&Order::Collect { patterns: patterns.to_vec(), most_files: MOST_FILES }, &[])?;
    let mut left = MOST_BYTES;
    loop {
        match container.next().await? {
            (Report::Artifact { path, bytes }, mut fds) => match fds.pop() {
                Some(_) if bytes > left => {
                    errors.push(refusal(path, "too_large", "more than 64 MiB of artifacts"));
                }
                Some(file) => match read(path.clone(), file, left).await {
                    Some(artifact) => {
                        left -= artifact.artifact.bytes;
                        collected.push(artifact);
                    }
                    None => errors.push(refusal(path, "unreadable", "it could not be read")),
                },
                None => return Err(Broken::Ended),
            },
            (Report::ArtifactRefused { path, code, errno }, _) if errors.len() < MOST_ERRORS => {
                errors.push(refused(path, &code, errno));
            }
            (Report::ArtifactRefused { .. }, _) => (),
            (Report::Collected, _) => return Ok(()),
            _ => return Err(Broken::Ended),
        }
    }
}

/// The file's processes are dead, so it no longer changes; `most` still bounds what is read.
async fn read(path: String, file: OwnedFd, most: u64) -> Option<Collected> {
    let read = move || {
        let mut contents = Vec::new();
        File::from(file).take(most).read_to_end(&mut contents).ok()?;
        let digest = sha256(&contents);
        let artifact = Artifact { path, bytes: contents.len() as u64, digest };
        Some(Collected { artifact, contents })
    };
    tokio::task::spawn_blocking(read).await.ok()?
}

fn refused(path: String, code: &str, errno: i32) -> ArtifactError {
    let detail = match code {
        "not_regular" => "only regular files are collected".into(),
        "not_utf8" => "its name is not UTF-8".into(),
        "too_many" => format!("more than {MOST_FILES} files match"),
        _ => nix::errno::Errno::from_raw(errno).desc().into(),
    };
    refusal(path, code, detail)
}

fn refusal(path: String, code: &str, detail: impl Into<String>) -> ArtifactError {
    ArtifactError { path, code: code.into(), detail: detail.into() }
}

fn sha256(contents: &[u8]) -> String {
    Sha256::digest(contents).iter().fold(String::from("sha256:"), |text, byte| text + &format!("{byte:02x}"))
}
