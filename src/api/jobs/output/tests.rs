use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;

use super::{Kept, ThisStream, answer};
use crate::caller::{Callers, authenticate};
use crate::guard::Guard;
use crate::problem::Problem;
use crate::router::layered;
use crate::testing::{Answer, request, send};

const PATH: &str = "/jobs/x/steps/build/stdout";

async fn output(
    State(kept): State<Kept>,
    this: ThisStream,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&this, kept, &method, &headers).await
}

fn routes(bytes: &'static [u8], printed: u64, truncated: bool) -> Router {
    let kept = Kept { bytes: bytes.into(), printed, truncated };
    let routes = Router::new().route("/jobs/{id}/steps/{step}/{stream}", get(output));
    layered(routes.layer(from_fn_with_state(Callers::anonymous(), authenticate)), Guard::new(&[]))
        .with_state(kept)
}

async fn ask(routes: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let builder =
        headers.iter().fold(request(method, path), |builder, (name, value)| builder.header(*name, *value));
    send(routes, builder.body(Body::empty()).expect("a valid request")).await
}

#[tokio::test]
async fn the_whole() {
    let answer = ask(&routes(b"0123456789", 10, false), "GET", PATH, &[]).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"0123456789"[..]));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "10"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment; filename*=UTF-8''build.stdout"),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        ("stockade-bytes-printed", "10"),
        ("stockade-truncated", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let again =
        ask(&routes(b"0123456789", 10, false), "GET", PATH, &[("if-none-match", answer.header("etag"))])
            .await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again.header("etag"), answer.header("etag"));
    let grown =
        ask(&routes(b"01234567890", 11, false), "GET", PATH, &[("if-none-match", answer.header("etag"))])
            .await;
    assert_eq!(grown.status, StatusCode::OK);
}

#[tokio::test]
async fn a_part() {
    let routes = routes(b"0123456789", 4096, true);
    let answer = ask(&routes, "GET", PATH, &[("range", "bytes=2-4")]).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::PARTIAL_CONTENT, &b"234"[..]));
    assert_eq!(answer.header("content-range"), "bytes 2-4/10");
    assert_eq!(
        (answer.header("stockade-bytes-printed"), answer.header("stockade-truncated")),
        ("4096", "true")
    );
    let beyond = ask(&routes, "GET", PATH, &[("range", "bytes=10-")]).await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */10")
    );
    assert_eq!(beyond.problem(), "range_not_satisfiable");
    let stale = ask(&routes, "GET", PATH, &[("range", "bytes=2-4"), ("if-range", "\"else\"")]).await;
    assert_eq!((stale.status, stale.body.len()), (StatusCode::OK, 10));
}

#[tokio::test]
async fn head() {
    let answer = ask(&routes(b"0123456789", 10, false), "HEAD", PATH, &[("range", "bytes=2-4")]).await;
    assert_eq!(
        (answer.status, answer.header("content-length"), answer.body.len()),
        (StatusCode::OK, "10", 0)
    );
}

#[tokio::test]
async fn nothing_printed() {
    let routes = routes(b"", 0, false);
    let answer = ask(&routes, "GET", "/jobs/x/steps/a%20b/stderr", &[]).await;
    assert_eq!((answer.status, answer.header("content-length")), (StatusCode::OK, "0"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename*=UTF-8''a%20b.stderr");
    let resumed = ask(&routes, "GET", PATH, &[("range", "bytes=0-")]).await;
    assert_eq!(resumed.status, StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test]
async fn no_such_stream() {
    for path in ["/jobs/x/steps/build/stdin", "/jobs/x/steps/build/stdout%20", "/jobs/x/steps/%ff/stdout"] {
        let answer = ask(&routes(b"", 0, false), "GET", path, &[]).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::NOT_FOUND, "output_not_found"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn more_than_is_hashed_at_once() {
    static LARGE: [u8; 3 << 20] = [b'x'; 3 << 20];
    let answer = ask(&routes(&LARGE, 3 << 20, false), "GET", PATH, &[("range", "bytes=-1")]).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::PARTIAL_CONTENT, &b"x"[..]));
}
