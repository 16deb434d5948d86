//! Bodies of answers, each with a bound.

use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;
use tokio::time::timeout;

use super::session::Session;
use super::trouble::Trouble;
use crate::Error;

/// For the whole of a document, however it trickles.
const WHOLE: Duration = Duration::from_mins(1);
const LARGEST_REFUSAL: usize = 8 << 10;
const LONGEST_DETAIL: usize = 300;

/// All of it, at most `limit` bytes.
pub(super) async fn document(
    session: &Session,
    what: &str,
    response: Response,
    limit: u64,
) -> Result<Vec<u8>, Trouble> {
    let too_large = || Error::TooLarge { what: what.to_owned(), allowed: limit };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large().into());
    }
    let reading = async {
        let (mut response, mut bytes) = (response, Vec::new());
        while let Some(piece) = response.chunk().await.map_err(|error| session.unreachable(error))? {
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(Trouble::from(too_large()));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    };
    let late = || {
        let detail = format!("{what} has not come within {} s", WHOLE.as_secs());
        Trouble::passing(Error::RegistryUnreachable { registry: session.registry(), detail })
    };
    timeout(WHOLE, reading).await.unwrap_or_else(|_| Err(late()))
}

/// What a registry says for itself, printable and short; OCI distribution-spec, "Error Codes".
pub(super) async fn refusal(response: Response) -> String {
    let reading = async {
        let (mut response, mut bytes) = (response, Vec::new());
        while bytes.len() < LARGEST_REFUSAL {
            let Ok(Some(piece)) = response.chunk().await else { break };
            bytes.extend_from_slice(&piece[..piece.len().min(LARGEST_REFUSAL - bytes.len())]);
        }
        bytes
    };
    let bytes = timeout(Duration::from_secs(10), reading).await.unwrap_or_default();
    printable(&words(&bytes).unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned()))
}

fn words(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct One {
        code: String,
        message: String,
    }
    let refusal: Refusal = serde_json::from_slice(bytes).ok()?;
    let each = refusal.errors.iter().map(|one| format!("{}: {}", one.code, one.message));
    Some(each.collect::<Vec<_>>().join("; "))
}

/// It goes to terminals and logs.
fn printable(text: &str) -> String {
    let plain = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LONGEST_DETAIL).collect()
}
