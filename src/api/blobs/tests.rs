use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use futures_util::stream;
use tokio::time::sleep;

use super::{BlobsError, Uploads, download, upload};
use crate::caller::{Callers, authenticate};
use crate::digest::Digest;
use crate::guard::Guard;
use crate::router::layered;
use crate::testing::{Answer, State, request, send};

/// Of `abc`, from FIPS 180-4's examples.
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC_BASE64: &str = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
const MOST: usize = 8 << 20;

fn routes(state: &State) -> Router {
    let uploads = Uploads { journal: state.store.journal.clone(), most: MOST as u64 };
    let routes = Router::new().route("/blobs", post(upload)).route("/blobs/{digest}", get(download));
    layered(routes.layer(from_fn_with_state(Callers::anonymous(), authenticate)), Guard::new(&[]))
        .with_state(uploads)
}

async fn ask(routes: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
    let builder = request(method, path);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    send(routes, builder.body(body).expect("a valid request")).await
}

async fn sent(routes: &Router, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    ask(routes, "POST", "/blobs", headers, body.into()).await
}

async fn fetched(routes: &Router, method: &str, digest: &str, headers: &[(&str, &str)]) -> Answer {
    ask(routes, method, &format!("/blobs/{digest}"), headers, Body::empty()).await
}

/// Without a length, as with `Transfer-Encoding: chunked`.
fn pieces(pieces: Vec<io::Result<Bytes>>) -> Body {
    Body::from_stream(stream::iter(pieces))
}

#[tokio::test]
async fn new_and_known() {
    let state = State::new();
    let routes = routes(&state);
    for status in [StatusCode::CREATED, StatusCode::OK] {
        let answer = sent(&routes, &[("content-type", "text/plain")], "abc").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("location"), format!("/blobs/{ABC}"));
        assert_eq!(answer.json(), serde_json::json!({"digest": ABC, "bytes": 3}));
    }
}

#[tokio::test]
async fn fetched_with_its_headers() {
    let state = State::new();
    let routes = routes(&state);
    sent(&routes, &[], "abc").await;
    let answer = fetched(&routes, "GET", ABC, &[]).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"abc"[..]));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "3"),
        ("etag", &format!("\"{ABC}\"")),
        ("cache-control", "private, max-age=31536000, immutable"),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", &format!("attachment; filename*=UTF-8''{}", &ABC[7..])),
        ("repr-digest", ABC_BASE64),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let head = fetched(&routes, "HEAD", ABC, &[]).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (StatusCode::OK, "3", 0));
    let known = fetched(&routes, "GET", ABC, &[("if-none-match", &format!("\"{ABC}\""))]).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test]
async fn parts() {
    let state = State::new();
    let routes = routes(&state);
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let digest = Digest::of(&bytes).to_string();
    assert_eq!(sent(&routes, &[], bytes.clone()).await.json()["digest"], digest);
    assert_eq!(fetched(&routes, "GET", &digest, &[]).await.body, bytes);
    let part = fetched(&routes, "GET", &digest, &[("range", "bytes=200000-899999")]).await;
    assert_eq!(
        (part.status, part.header("content-range")),
        (StatusCode::PARTIAL_CONTENT, "bytes 200000-899999/1000000")
    );
    assert!(part.body == bytes[200_000..900_000] && part.header("content-length") == "700000");
    let beyond = fetched(&routes, "GET", &digest, &[("range", "bytes=1000000-")]).await;
    assert_eq!(
        (beyond.problem().as_str(), beyond.header("content-range")),
        ("range_not_satisfiable", "bytes */1000000")
    );
}

#[tokio::test]
async fn empty() {
    let state = State::new();
    let routes = routes(&state);
    let digest =
        sent(&routes, &[], Body::empty()).await.json()["digest"].as_str().expect("a digest").to_owned();
    let answer = fetched(&routes, "GET", &digest, &[]).await;
    assert_eq!((answer.status, answer.header("content-length")), (StatusCode::OK, "0"));
}

#[tokio::test]
async fn held_against_its_digest() {
    let state = State::new();
    let routes = routes(&state);
    let refused = sent(&routes, &[("content-digest", ABC_BASE64)], "abd").await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "digest_mismatch")
    );
    assert_eq!(
        fetched(&routes, "GET", &Digest::of(b"abd").to_string(), &[]).await.problem(),
        "blob_not_found"
    );
    assert_eq!(sent(&routes, &[("repr-digest", ABC_BASE64)], "abc").await.status, StatusCode::CREATED);
    assert_eq!(sent(&routes, &[("repr-digest", "sha-256=abc")], "abc").await.problem(), "malformed_request");
}

#[tokio::test]
async fn too_large() {
    let state = State::new();
    let routes = routes(&state);
    let told = vec![0; 1 + MOST];
    let piece = || Ok(Bytes::from(vec![0; 1 << 20]));
    let untold = pieces((0..9).map(|_| piece()).collect());
    for body in [told.into(), untold] {
        let answer = sent(&routes, &[], body).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")
        );
        assert_eq!(answer.header("connection"), "close");
    }
    let fits = pieces((0..8).map(|_| piece()).collect());
    assert_eq!(sent(&routes, &[], fits).await.json()["bytes"], MOST);
}

#[tokio::test]
async fn broken_off() {
    let state = State::new();
    let routes = routes(&state);
    let body = pieces(vec![Ok("abc".into()), Err(io::Error::other("gone"))]);
    assert_eq!(sent(&routes, &[], body).await.problem(), "malformed_request");
    assert_eq!(fetched(&routes, "GET", ABC, &[]).await.problem(), "blob_not_found");
    assert_eq!(
        sent(&routes, &[("content-encoding", "gzip")], "abc").await.problem(),
        "unsupported_media_type"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_and_too_slow() {
    let state = State::new();
    let routes = routes(&state);
    let body = |pause: u64, bytes: usize| {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            sleep(Duration::from_secs(pause)).await;
            (sent < 10).then(|| (Ok::<_, io::Error>(Bytes::from(vec![b'x'; bytes])), sent + 1))
        }))
    };
    let answer = sent(&routes, &[], body(29, 30 << 10)).await;
    assert_eq!(answer.json()["bytes"], 10 * (30 << 10), "five minutes, and always getting on");
    let answer = sent(&routes, &[], body(29, 10 << 10)).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::REQUEST_TIMEOUT, "body_timeout"));
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn nobody_elses() {
    let state = State::new();
    let routes = routes(&state);
    sent(&routes, &[], "abc").await;
    let uploads = Uploads { journal: state.store.journal.clone(), most: MOST as u64 };
    let digest = Digest::of(b"abc");
    assert!(uploads.open("default".into(), digest).await.is_ok());
    assert!(matches!(uploads.open("other".into(), digest).await, Err(BlobsError::Missing)));
    for name in [ABC.to_uppercase().as_str(), &ABC[..70], "sha256:..%2f..%2fetc", "%ff", "x"] {
        assert_eq!(fetched(&routes, "GET", name, &[]).await.problem(), "blob_not_found", "{name}");
    }
}
