//! What a name stands for, and where.

use oci_spec::distribution::Reference;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use sha2::{Digest as _, Sha256};

use super::retry::Tries;
use super::session::Session;
use super::trouble::Trouble;
use super::{Client, body};
use crate::Error;
use crate::store::Hex;
use crate::store::blobs::LARGEST_DOCUMENT;
use crate::tool::Expected;

/// Schema 1 is not among them: what answers with it nevertheless is refused by its media type.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A manifest or an index, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: String,
    pub(crate) media_type: Option<String>,
}

/// Where the blobs of an image are: at those that had its manifest first, then at all others that may have it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(super) client: Client,
    pub(super) sessions: Vec<Session>,
    name: String,
}

impl Client {
    /// By its digest, where it has one, else by its tag.
    pub(crate) async fn find(&self, reference: &Reference) -> Result<(Route, Sent), Error> {
        let mut sessions = self.pulling(reference).await?;
        let name = reference.whole();
        let which = reference.digest().or(reference.tag()).unwrap_or("latest");
        let (found, sent) = first(&sessions, &name, which, reference.digest()).await?;
        sessions[..=found].rotate_right(1);
        Ok((Route { client: self.clone(), sessions, name }, sent))
    }
}

impl Route {
    /// One that an index has led to.
    pub(crate) async fn manifest(&self, of: &Expected) -> Result<Sent, Error> {
        let (_, sent) = first(&self.sessions, &self.name, &of.digest, Some(&of.digest)).await?;
        let found = sent.bytes.len() as u64;
        if found != of.size {
            let what = format!("the manifest {}", of.digest);
            return Err(Error::SizeMismatch { what, expected: of.size, found });
        }
        Ok(sent)
    }
}

/// From the first that has it; the last one's word is what counts if none has.
async fn first(
    sessions: &[Session],
    name: &str,
    which: &str,
    digest: Option<&str>,
) -> Result<(usize, Sent), Error> {
    let mut tries = Tries::default();
    let mut number = 0;
    loop {
        let Some(session) = sessions.get(number) else {
            return Err(Error::Internal("a registry without an address".into()));
        };
        let trouble = match manifest(session, name, which, digest).await {
            Ok(sent) => return Ok((number, sent)),
            Err(trouble) => trouble,
        };
        if number + 1 < sessions.len() {
            tracing::info!(mirror = session.registry(), error = %trouble.error, "a mirror does not have {name}");
            number += 1;
        } else {
            tries.again(trouble).await?;
        }
    }
}

async fn manifest(session: &Session, name: &str, which: &str, digest: Option<&str>) -> Result<Sent, Trouble> {
    let url = session.url(&format!("manifests/{which}"));
    let response = session.send(name, |http| http.get(url.clone()).header(ACCEPT, MANIFESTS)).await?;
    let text = |headers: &HeaderMap, name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let said = text(response.headers(), "docker-content-digest");
    let media_type = text(response.headers(), CONTENT_TYPE.as_str());
    // RFC 9110 section 8.3: `; charset=…` may follow.
    let media_type = media_type.and_then(|kind| kind.split(';').next().map(|kind| kind.trim().to_owned()));
    let what = format!("the manifest of {name}");
    let bytes = body::document(session, &what, response, LARGEST_DOCUMENT).await?;
    let found = Hex::of(&Sha256::digest(&bytes)).digest();
    // What a registry says of itself counts where it is SHA-256; what was asked for counts always.
    for expected in digest.into_iter().chain(said.as_deref().filter(|said| said.starts_with("sha256:"))) {
        if expected != found {
            return Err(Error::DigestMismatch { what, expected: expected.to_owned(), found }.into());
        }
    }
    Ok(Sent { bytes, digest: found, media_type })
}
