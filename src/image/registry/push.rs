//! An image to a registry: its blobs, where they are not there already, and its manifest last.

mod upload;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_spec::distribution::Reference;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode};
use url::Url;

use super::retry::Tries;
use super::session::Session;
use super::trouble::Trouble;
use super::{Client, invalid};
use crate::store::Store;
use crate::tool::Expected;
use crate::{Error, Progress, Stage};
use upload::{Sending, watched};

const AT_ONCE: usize = 4;

/// What is pushed. Its blobs stay in the store for as long.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    /// Config and layers.
    pub(crate) blobs: Vec<Expected>,
    /// Repositories of the same registry that may have them: nothing need be sent then.
    pub(crate) elsewhere: Vec<String>,
}

impl Client {
    /// Mirrors are not for this.
    pub(crate) async fn push(
        &self,
        store: &Store,
        to: &Reference,
        push: &Push,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let session = self.pushing(to, &push.elsewhere).await?;
        for blob in &push.blobs {
            progress.told(blob, Stage::Waiting);
        }
        // Collected, as in `Images::pull`.
        let sending = push.blobs.iter().map(|blob| {
            let sending = Sending { session: &session, store, blob, progress };
            self::blob(sending, push.elsewhere.first().map(String::as_str))
        });
        let sending: Vec<_> = sending.collect();
        stream::iter(sending).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        manifest(&session, to, push).await
    }

    async fn pushing(&self, to: &Reference, elsewhere: &[String]) -> Result<Session, Error> {
        let endpoint = self.0.settings.origin(to.registry()).map_err(invalid)?;
        let credential = self.credential(&endpoint, to.repository()).await?;
        let own = format!("repository:{}:pull,push", to.repository());
        let others = elsewhere.first().map(|other| format!("repository:{other}:pull"));
        let scope: Vec<String> = std::iter::once(own).chain(others).collect();
        let http = self.trusting(&endpoint).await?.uploads(&endpoint);
        Ok(Session::new(http, endpoint, credential, to.repository(), scope.join(" ")))
    }
}

async fn blob(sending: Sending<'_>, elsewhere: Option<&str>) -> Result<(), Error> {
    let mut tries = Tries::default();
    loop {
        match one(&sending, elsewhere).await {
            Ok(stage) => {
                sending.progress.told(sending.blob, stage);
                return Ok(());
            }
            Err(trouble) => tries.again(trouble).await?,
        }
    }
}

/// Each try from the start: an upload that broke off is none that can be gone on with everywhere.
async fn one(sending: &Sending<'_>, elsewhere: Option<&str>) -> Result<Stage, Trouble> {
    let Sending { session, blob, .. } = sending;
    let (at, what) = (session.url(&format!("blobs/{}", blob.digest)), format!("blob {}", blob.digest));
    match watched(session, None, session.send(&what, |http| http.head(at.clone()))).await {
        Ok(_) => return Ok(Stage::There),
        Err(trouble) if trouble.status == Some(StatusCode::NOT_FOUND) => (),
        Err(trouble) => return Err(trouble),
    }
    let mut uploads = session.url("blobs/uploads/");
    if let Some(repository) = elsewhere {
        uploads.query_pairs_mut().append_pair("mount", &blob.digest).append_pair("from", repository);
    }
    // Some registries insist on a length.
    let begin = session.send("repository", |http| http.post(uploads.clone()).header("content-length", 0));
    let begun = watched(session, None, begin).await.map_err(|trouble| not_there(session, trouble))?;
    if begun.status() == StatusCode::CREATED {
        return Ok(Stage::There);
    }
    let mut place = location(session, &begun)?;
    place.query_pairs_mut().append_pair("digest", &blob.digest);
    sending.put(place).await?;
    Ok(Stage::Pushed)
}

/// What is missing is the place, not the image.
fn not_there(session: &Session, trouble: Trouble) -> Trouble {
    match trouble.status {
        Some(StatusCode::NOT_FOUND) => {
            let detail = "it has no such repository, and makes none".to_owned();
            Error::RegistryRefused { registry: session.registry(), detail }.into()
        }
        _ => trouble,
    }
}

fn location(session: &Session, begun: &Response) -> Result<Url, Error> {
    let refused =
        |detail: &str| Error::RegistryRefused { registry: session.registry(), detail: detail.to_owned() };
    let place = begun.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let place = place.and_then(|place| begun.url().join(place).ok());
    let place = place.ok_or_else(|| refused("it begins an upload and does not say where"))?;
    if place.scheme() != "https" && session.endpoint.base.scheme() == "https" {
        return Err(refused("it wants an upload without TLS"));
    }
    Ok(place)
}

async fn manifest(session: &Session, to: &Reference, push: &Push) -> Result<(), Error> {
    let which = to.tag().unwrap_or(&push.digest);
    let url = session.url(&format!("manifests/{which}"));
    let mut tries = Tries::default();
    loop {
        let put = session.send("repository", |http| {
            http.put(url.clone()).header(CONTENT_TYPE, &push.media_type).body(push.manifest.clone())
        });
        let response = match watched(session, None, put).await {
            Ok(response) => response,
            Err(trouble) => {
                tries.again(not_there(session, trouble)).await?;
                continue;
            }
        };
        let said = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        return match said.filter(|said| said.starts_with("sha256:")) {
            Some(found) if found != push.digest => Err(Error::DigestMismatch {
                what: format!("the manifest as {} has it", session.registry()),
                expected: push.digest.clone(),
                found: found.to_owned(),
            }),
            _ => Ok(()),
        };
    }
}
