use std::fs::File;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{Stream, stream};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use reqwest::Body;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tokio::time::timeout;
use url::Url;

use crate::registry::session::Session;
use crate::registry::trouble::Trouble;
use crate::store::{Store, aside};
use crate::tool::Expected;
use crate::{Error, Progress, Stage};

const PIECE: usize = 256 << 10;
/// Without a byte taken; and for the registry to think about what it has got.
const SILENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(500);

#[derive(Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) session: &'a Session,
    pub(super) store: &'a Store,
    pub(super) blob: &'a Expected,
    pub(super) progress: &'a dyn Progress,
}

impl Sending<'_> {
    pub(super) async fn put(&self, place: Url) -> Result<(), Trouble> {
        let (store, digest) = (self.store.clone(), self.blob.digest.clone());
        let file = Arc::new(aside(move || store.blob(&digest)).await?);
        let taken = Arc::new(AtomicU64::new(0));
        let put = self.session.send("upload", |http| {
            taken.store(0, Ordering::Relaxed);
            let pieces = pieces(Arc::clone(&file), Arc::clone(&taken));
            let request = http.put(place.clone()).header(CONTENT_TYPE, "application/octet-stream");
            request.header(CONTENT_LENGTH, self.blob.size).body(Body::wrap(StreamBody::new(Box::pin(pieces))))
        });
        let told = |done| self.progress.told(self.blob, Stage::Pushing { done });
        watched(self.session, Some((&*taken, &told)), put).await?;
        Ok(())
    }
}

/// The file, read aside from its start: several requests may have it in turn.
fn pieces(
    file: Arc<File>,
    taken: Arc<AtomicU64>,
) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send + 'static {
    stream::try_unfold(0, move |offset| {
        let (file, taken) = (Arc::clone(&file), Arc::clone(&taken));
        async move {
            taken.store(offset, Ordering::Relaxed);
            let piece = tokio::task::spawn_blocking(move || read_at(&file, offset)).await??;
            let next = offset + piece.len() as u64;
            Ok((!piece.is_empty()).then(|| (Frame::data(Bytes::from(piece)), next)))
        }
    })
}

fn read_at(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt as _;
    let mut piece = vec![0; PIECE];
    let mut read = file.read_at(&mut piece, offset);
    while matches!(&read, Err(error) if error.kind() == io::ErrorKind::Interrupted) {
        read = file.read_at(&mut piece, offset);
    }
    piece.truncate(read?);
    Ok(piece)
}

/// Ends what does not go on. `taken` is how far it is, and who is to hear.
pub(super) async fn watched<T>(
    session: &Session,
    taken: Option<(&AtomicU64, &(dyn Fn(u64) + Sync))>,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let mut work = pin!(work);
    let (mut before, mut since) = (0, Instant::now());
    while since.elapsed() < SILENCE {
        if let Ok(done) = timeout(LOOK, &mut work).await {
            return done;
        }
        let Some((taken, told)) = taken else { continue };
        let now = taken.load(Ordering::Relaxed);
        if now != before {
            told(now);
            (before, since) = (now, Instant::now());
        }
    }
    let detail = format!("it took nothing for {} s", SILENCE.as_secs());
    Err(Trouble::passing(Error::RegistryUnreachable { registry: session.registry(), detail }))
}
