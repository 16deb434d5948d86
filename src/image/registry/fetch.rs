//! Blobs, from wherever they can be had, going on where somebody left off.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Response, StatusCode};

use super::Route;
use super::retry::Tries;
use super::session::Session;
use super::trouble::{Again, Trouble};
use crate::store::{Holder, Incoming};
use crate::tool::Expected;
use crate::{Error, Progress, Stage};

/// A try that brought so much was not in vain.
const GAIN: u64 = 1 << 20;
/// Less is no transfer, but somebody who keeps a connection busy.
const SLOWEST: Slowest = Slowest { bytes: 64 << 10, within: Duration::from_secs(30) };

impl Route {
    /// Into the store, unless it is there.
    pub(crate) async fn fetch(
        &self,
        holder: &Holder,
        blob: &Expected,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        progress.told(blob, Stage::Waiting);
        let mut failure = None;
        for session in &self.sessions {
            let Err(error) = self.fetch_from(session, holder, blob, progress).await else { return Ok(()) };
            if matches!(error, Error::StoreFull | Error::Internal(_)) {
                return Err(error);
            }
            tracing::info!(registry = session.registry(), %error, "the blob {} was not to be had", blob.digest);
            failure = Some(error);
        }
        Err(failure.unwrap_or_else(|| Error::Internal("a registry without an address".into())))
    }

    async fn fetch_from(
        &self,
        session: &Session,
        holder: &Holder,
        blob: &Expected,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        loop {
            // First this, and room for a download after it: who has room never waits for another's blob.
            let Some(mut incoming) = holder.write(blob).await? else {
                progress.told(blob, Stage::There);
                return Ok(());
            };
            let _room =
                self.client.0.downloads.acquire().await.map_err(|e| Error::Internal(e.to_string()))?;
            let inherited = incoming.written();
            fill(session, &mut incoming, blob, progress).await?;
            match incoming.finish().await {
                // The beginning may be the wrong part, which somebody else has left: all of it anew.
                Err(Error::DigestMismatch { .. }) if inherited > 0 => (),
                done => {
                    done?;
                    progress.told(blob, Stage::Fetched);
                    return Ok(());
                }
            }
        }
    }
}

async fn fill(
    session: &Session,
    incoming: &mut Incoming,
    blob: &Expected,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut tries = Tries::default();
    loop {
        let before = incoming.written();
        let Err(trouble) = go_on(session, incoming, blob, progress).await else { return Ok(()) };
        if incoming.written() >= before.saturating_add(GAIN) {
            tries.reset();
        }
        tries.again(trouble).await?;
    }
}

/// One request, as far as it goes.
async fn go_on(
    session: &Session,
    incoming: &mut Incoming,
    blob: &Expected,
    progress: &dyn Progress,
) -> Result<(), Trouble> {
    let from = incoming.written();
    if from == blob.size {
        return Ok(());
    }
    let mut response = match ask(session, blob, from).await {
        Ok(response) => response,
        Err(trouble) if trouble.status == Some(StatusCode::RANGE_NOT_SATISFIABLE) && from > 0 => {
            incoming.restart().await?;
            return Err(Trouble { again: Again::Soon, ..trouble });
        }
        Err(trouble) => return Err(trouble),
    };
    if starts_at(&response, from, blob)? == 0 && from > 0 {
        incoming.restart().await?;
    }
    let mut pace = Pace::new(SLOWEST);
    while let Some(piece) = response.chunk().await.map_err(|error| session.unreachable(error))? {
        incoming.write(&piece).await?;
        progress.told(blob, Stage::Fetching { done: incoming.written() });
        if !pace.holds(piece.len() as u64, Instant::now()) {
            let detail = format!("the blob {} comes too slowly", blob.digest);
            return Err(Trouble::passing(Error::RegistryUnreachable {
                registry: session.registry(),
                detail,
            }));
        }
    }
    match incoming.written() {
        all if all == blob.size => Ok(()),
        found => Err(Trouble::passing(wrong_size(blob, found))),
    }
}

async fn ask(session: &Session, blob: &Expected, from: u64) -> Result<Response, Trouble> {
    let url = session.url(&format!("blobs/{}", blob.digest));
    let what = format!("blob {}", blob.digest);
    let asked = session.send(&what, |http| match from {
        0 => http.get(url.clone()),
        _ => http.get(url.clone()).header(RANGE, format!("bytes={from}-")),
    });
    asked.await.map_err(|trouble| match trouble.status {
        // The image is there, so this is not the caller's mistake.
        Some(StatusCode::NOT_FOUND) => {
            let detail = format!("it has the image's manifest, but not its {what}");
            Error::RegistryRefused { registry: session.registry(), detail }.into()
        }
        _ => trouble,
    })
}

/// The offset of the first byte that comes (RFC 9110 section 15.3.7), if the blob is as long as its manifest says.
fn starts_at(response: &Response, from: u64, blob: &Expected) -> Result<u64, Trouble> {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return match response.content_length() {
            Some(length) if length != blob.size => Err(wrong_size(blob, length).into()),
            _ => Ok(0),
        };
    }
    let range =
        response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (first, length) = parse_range(range).unwrap_or_default();
    if length.is_some_and(|length| length != blob.size) {
        return Err(wrong_size(blob, length.unwrap_or_default()).into());
    }
    if first != from || from == 0 {
        let detail = format!("asked for the bytes from {from} on, it sent {range:.60?}");
        return Err(Error::RegistryRefused { registry: response.url().authority().to_owned(), detail }.into());
    }
    Ok(first)
}

/// `bytes FIRST-LAST/LENGTH`, where the length may be `*`.
fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, length) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, length.trim().parse().ok()))
}

fn wrong_size(blob: &Expected, found: u64) -> Error {
    Error::SizeMismatch { what: format!("the blob {}", blob.digest), expected: blob.size, found }
}

#[derive(Clone, Copy, Debug)]
struct Slowest {
    bytes: u64,
    within: Duration,
}

/// How much has come since when.
#[derive(Debug)]
struct Pace {
    least: Slowest,
    since: Instant,
    bytes: u64,
}

impl Pace {
    fn new(least: Slowest) -> Self {
        Self { least, since: Instant::now(), bytes: 0 }
    }

    fn holds(&mut self, bytes: u64, now: Instant) -> bool {
        self.bytes += bytes;
        if now.duration_since(self.since) < self.least.within {
            return true;
        }
        let enough = self.bytes >= self.least.bytes;
        (self.since, self.bytes) = (now, 0);
        enough
    }
}

#[cfg(test)]
mod tests;
