use std::fmt::Write;

use axum::body::Bytes;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::caller::Reader;
use crate::etag::known;
use crate::jobs::{Missing, ThisJob};
use crate::problem::Problem;
use crate::store::{Found, Store};

/// Hashing more than this takes longer than a worker should be away from other requests.
const INLINE_BYTES: usize = 1 << 20;

pub(crate) async fn download(
    State(store): State<Store>,
    Reader(caller): Reader,
    ThisJob(id): ThisJob,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = match store.find(id, &caller).await? {
        Found::Ended(job) => job,
        Found::Live(live) => live.job().ok_or(Missing::Job)?,
    };
    let path = params.iter().find(|(name, _)| *name == "path").map_or("", |(_, path)| path);
    let artifact = job.artifacts.iter().find(|artifact| artifact.path == path).ok_or(Missing::Artifact)?;
    let (digest, most) = (artifact.digest.clone(), artifact.bytes);
    let contents = store.blob(digest, most).await?.ok_or(Missing::Contents)?;
    let hash = hash(contents.clone()).await?;
    if artifact.digest != format!("sha256:{}", hex(&hash)) {
        return Err(Missing::Contents.into());
    }
    Ok(answer(path, &artifact.digest, &hash, contents, &headers))
}

async fn hash(contents: Bytes) -> Result<[u8; 32], Problem> {
    if contents.len() <= INLINE_BYTES {
        return Ok(Sha256::digest(&contents).into());
    }
    let hash = tokio::task::spawn_blocking(move || Sha256::digest(&contents).into()).await;
    hash.map_err(|e| Problem::internal(e.to_string()))
}

/// The bytes are a job's, so a browser must neither guess a type for them nor show them as a page of ours.
fn answer(path: &str, digest: &str, hash: &[u8; 32], contents: Bytes, request: &HeaderMap) -> Response {
    let tag = format!("\"{digest}\"");
    if known(&tag, request) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{}", filename(path))),
        (header::ETAG, tag),
    ];
    // RFC 9530 §2, with the byte sequence of RFC 9651 §3.3.5.
    let repr_digest = [("repr-digest", format!("sha-256=:{}:", STANDARD.encode(hash)))];
    (headers, repr_digest, contents).into_response()
}

/// The last part of the path in the form of RFC 8187 §3.2.1.
fn filename(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
