//! Blobs on their way, and what goes wrong there.

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::{Progress, Silent, Stage};

/// A registry with one image and one blob.
fn serving(blob: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |asked| if is_manifest(asked) { manifest() } else { blob(asked) })
}

fn part(bytes: &[u8], asked: &Asked) -> Answer {
    match asked.from() {
        0 => Answer::new(200, bytes),
        from if from >= bytes.len() => Answer::new(416, ""),
        from => Answer::new(206, &bytes[from..])
            .with("content-range", format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())),
    }
}

async fn fetch(place: &Place, server: &Server, blob: &Expected) -> Result<(), Error> {
    let (route, _) = find(&place.client(), server).await.expect("the manifest");
    route.fetch(&place.holder().await, blob, &Silent).await
}

fn ranges(server: &Server) -> Vec<usize> {
    server.asked().iter().filter(|asked| !is_manifest(asked)).map(Asked::from).collect()
}

#[tokio::test]
async fn a_blob_arrives_and_is_not_asked_for_again() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<Stage>>);
    impl Progress for Heard {
        fn told(&self, _: &Expected, stage: Stage) {
            self.0.lock().expect("no test has failed").push(stage);
        }
    }
    let (place, bytes) = (Place::new(), noise(3 << 20));
    let blob = blob_of(&bytes);
    let served = bytes.clone();
    let server = serving(move |asked| part(&served, asked));
    let (route, _) = find(&place.client(), &server).await.expect("the manifest");
    let (holder, heard) = (place.holder().await, Heard::default());
    route.fetch(&holder, &blob, &heard).await.expect("it comes");
    route.fetch(&holder, &blob, &heard).await.expect("it is there");
    assert_eq!(ranges(&server), [0]);
    let kept = fs::read(place.0.join("state/images/blobs/sha256").join(&blob.digest[7..])).expect("a blob");
    assert!(kept == bytes);
    let heard = heard.0.into_inner().expect("no test has failed");
    assert_eq!(heard.first(), Some(&Stage::Waiting));
    assert!(
        heard.contains(&Stage::Fetching { done: blob.size }) && heard.contains(&Stage::Fetched),
        "{heard:?}"
    );
    assert_eq!(heard.last(), Some(&Stage::There));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_gone_on_with() {
    let (place, bytes) = (Place::new(), noise(6 << 20));
    let blob = blob_of(&bytes);
    // 1 MiB at a time: more cuts than tries, but each brings something.
    let server = serving(move |asked| part(&bytes, asked).cut((1 << 20).min(bytes.len() - asked.from())));
    fetch(&place, &server, &blob).await.expect("in six parts");
    let ranges = ranges(&server);
    assert_eq!(ranges[0], 0);
    assert!(ranges.is_sorted() && ranges.len() >= 6, "{ranges:?}");
}

#[tokio::test]
async fn a_download_that_was_given_up_is_gone_on_with() {
    let (place, bytes) = (Place::new(), noise(4 << 20));
    let (blob, served) = (blob_of(&bytes), bytes.clone());
    let stuck = serving(move |asked| {
        let answer = part(&served, asked);
        if asked.from() == 0 { answer.cut(2 << 20).stuck() } else { answer }
    });
    let given_up = tokio::time::timeout(Duration::from_secs(5), fetch(&place, &stuck, &blob)).await;
    given_up.expect_err("it does not come to an end");
    let have = fs::metadata(place.partial(&blob)).expect("what came stays").len();
    assert!(have >= 1 << 20, "{have}");
    let server = serving(move |asked| part(&bytes, asked));
    fetch(&place, &server, &blob).await.expect("the rest");
    assert_eq!(ranges(&server), [usize::try_from(have).expect("a length")]);
}

#[tokio::test]
async fn a_registry_without_ranges_sends_it_all_again() {
    let (place, bytes) = (Place::new(), noise(2 << 20));
    let blob = blob_of(&bytes);
    let first = Mutex::new(true);
    let server = serving(move |_| {
        let cut = std::mem::take(&mut *first.lock().expect("no test has failed"));
        Answer::new(200, bytes.as_slice()).cut(if cut { 1_500_000 } else { bytes.len() })
    });
    fetch(&place, &server, &blob).await.expect("the second time");
    assert_eq!(ranges(&server).len(), 2);
}

#[tokio::test]
async fn lies_about_size_and_content_are_caught_and_leave_nothing() {
    let bytes = noise(1 << 20);
    let blob = blob_of(&bytes);
    let mut other = bytes.clone();
    other[77] ^= 1;
    let longer = [bytes.as_slice(), b"more"].concat();
    let cases: [(&str, Vec<u8>, bool); 4] = [
        ("digest_mismatch", other, false),
        ("size_mismatch", bytes[..1000].to_vec(), false),
        ("size_mismatch", longer.clone(), false),
        ("size_mismatch", longer, true),
    ];
    for (code, sent, endless) in cases {
        let place = Place::new();
        let server = serving(move |_| {
            let answer = Answer::new(200, sent.as_slice());
            if endless { answer.endless() } else { answer }
        });
        let error = fetch(&place, &server, &blob).await.expect_err(code);
        assert_eq!((error.code(), ranges(&server).len()), (code, 1), "{error}");
        assert!(!place.0.join("state/images/blobs/sha256").join(&blob.digest[7..]).exists());
        // And what may have stayed of it does no harm.
        let right = bytes.clone();
        fetch(&place, &serving(move |asked| part(&right, asked)), &blob).await.expect("from an honest one");
    }
}

#[tokio::test]
async fn ranges_that_do_not_fit_are_refused() {
    let (place, bytes) = (Place::new(), noise(2 << 20));
    let blob = blob_of(&bytes);
    let cases = [
        ("bytes 0-9/2097152", "registry_refused"),
        ("bytes 5-9/9999", "size_mismatch"),
        ("", "registry_refused"),
        ("bytes x-y/z", "registry_refused"),
    ];
    for (range, code) in cases {
        let bytes = bytes.clone();
        let server = serving(move |asked| match asked.from() {
            0 => Answer::new(200, bytes.as_slice()).cut(1_500_000),
            from => Answer::new(206, &bytes[from..]).with("content-range", range),
        });
        let error = fetch(&place, &server, &blob).await.expect_err(range);
        assert_eq!(error.code(), code, "{range}: {error}");
    }
}

#[tokio::test]
async fn a_beginning_that_is_wrong_is_thrown_away() {
    let (place, bytes) = (Place::new(), noise(2 << 20));
    let blob = blob_of(&bytes);
    drop(place.store());
    fs::write(place.partial(&blob), vec![b'?'; 1 << 20]).expect("somebody's rest");
    let server = serving(move |asked| part(&bytes, asked));
    fetch(&place, &server, &blob).await.expect("all of it anew");
    assert_eq!(ranges(&server), [1 << 20, 0]);
}

#[tokio::test]
async fn a_blob_that_is_not_there_is_the_registrys_fault() {
    let (place, blob) = (Place::new(), blob_of(b"gone"));
    let error = fetch(&place, &serving(|_| Answer::new(404, "")), &blob).await.expect_err("it is gone");
    assert_eq!(error.code(), "registry_refused");
    assert!(error.to_string().contains(&blob.digest), "{error}");
}

#[tokio::test]
async fn two_who_want_one_blob_fetch_it_once() {
    let (place, bytes) = (Place::new(), noise(2 << 20));
    let blob = blob_of(&bytes);
    let server = serving(move |asked| {
        std::thread::sleep(Duration::from_millis(200));
        part(&bytes, asked)
    });
    let (route, _) = find(&place.client(), &server).await.expect("the manifest");
    let store = place.store();
    let (one, two) = (store.holder().await.expect("a holder"), store.holder().await.expect("a holder"));
    let (one, two) = tokio::join!(route.fetch(&one, &blob, &Silent), route.fetch(&two, &blob, &Silent));
    one.and(two).expect("both have it");
    assert_eq!(ranges(&server), [0]);
}
