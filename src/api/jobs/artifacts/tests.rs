use std::fs;

use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use model::{Artifact, JobId};

use super::download;
use crate::caller::{Callers, authenticate};
use crate::guard::Guard;
use crate::router::layered;
use crate::testing::{Answer, State, finished, request, send};

/// Of `abc`, from FIPS 180-4's examples.
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn stored(path: &str, contents: &[u8]) -> (State, Router, JobId) {
    let state = State::new();
    let blob = state.store.journal.blobs().put(contents).expect("stored");
    let artifact = Artifact { path: path.into(), bytes: contents.len() as u64, digest: blob.digest };
    let id = finished(&state.store, vec![artifact]);
    let routes = Router::new().route("/jobs/{id}/artifacts/{*path}", get(download));
    let routes =
        layered(routes.layer(from_fn_with_state(Callers::anonymous(), authenticate)), Guard::new(&[]))
            .with_state(state.store.clone());
    (state, routes, id)
}

async fn fetch(routes: &Router, id: impl ToString, path: &str) -> Answer {
    let uri = format!("/jobs/{}/artifacts/{path}", id.to_string());
    send(routes, request("GET", &uri).body(Body::empty()).expect("a valid request")).await
}

#[tokio::test]
async fn answers_with_the_bytes_and_their_digest() {
    let (_state, routes, id) = stored("out/a b.txt", b"abc");
    let answer = fetch(&routes, id, "out/a%20b.txt").await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"abc"[..]));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "3"),
        ("etag", &format!("\"{ABC}\"")),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment; filename*=UTF-8''a%20b.txt"),
        ("repr-digest", "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"),
    ] {
        assert_eq!(answer.header(name), value);
    }
}

#[tokio::test]
async fn says_when_the_caller_has_it_already() {
    let (_state, routes, id) = stored("a", b"abc");
    let uri = format!("/jobs/{id}/artifacts/a");
    for (tags, status) in [
        (format!("\"x\", W/\"{ABC}\""), StatusCode::NOT_MODIFIED),
        ("*".into(), StatusCode::NOT_MODIFIED),
        ("\"x\"".into(), StatusCode::OK),
    ] {
        let ask = request("GET", &uri)
            .header(header::IF_NONE_MATCH, tags)
            .body(Body::empty())
            .expect("a valid request");
        assert_eq!(send(&routes, ask).await.status, status);
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let (_state, routes, id) = stored("out/a", b"abc");
    for path in ["a", "out", "out/", "out/a/", "out/../out/a", "./out/a", "%2e%2e/a", "out%00"] {
        assert_eq!(fetch(&routes, id, path).await.problem(), "artifact_not_found", "{path}");
    }
    let upper = id.to_string().to_uppercase();
    for id in ["x", &JobId::new().to_string(), &upper, "%ff"] {
        let answer = fetch(&routes, id, "out/a").await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::NOT_FOUND, "job_not_found"),
            "{id}"
        );
    }
    assert_eq!(fetch(&routes, id, "%ff").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_part() {
    let (_state, routes, id) = stored("a", b"abc");
    let uri = format!("/jobs/{id}/artifacts/a");
    let ask = request("GET", &uri).header(header::RANGE, "bytes=1-").body(Body::empty());
    let answer = send(&routes, ask.expect("a valid request")).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::PARTIAL_CONTENT, &b"bc"[..]));
    assert_eq!((answer.header("content-range"), answer.header("accept-ranges")), ("bytes 1-2/3", "bytes"));
}

#[tokio::test]
async fn does_not_answer_with_other_bytes_than_were_recorded() {
    let (state, routes, id) = stored("a", b"abc");
    let hex = ABC.trim_start_matches("sha256:");
    let file = state.folder.join(format!("blobs/sha256/{}/{hex}", &hex[..2]));
    let damaged = async || {
        let answer = fetch(&routes, id, "a").await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.problem(), "artifact_damaged");
    };
    for other in [&b"abd"[..], b"ab", b"abcd"] {
        fs::write(&file, other).expect("its file");
        damaged().await;
    }
    fs::remove_file(&file).expect("its file");
    damaged().await;
}
