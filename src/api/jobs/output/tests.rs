use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use model::{Chunk, Happened, Status, StepResult, Stream};

use super::{Kept, ThisStream, answer, printed};
use crate::caller::{Callers, authenticate};
use crate::guard::Guard;
use crate::problem::Problem;
use crate::router::layered;
use crate::testing::{Answer, live, request, send};

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

/// Of the stdout of the step `build`, after all of this has happened to a job.
fn kept(happened: impl IntoIterator<Item = Happened>) -> Option<Kept> {
    let live = live();
    happened.into_iter().for_each(|what| live.happened(what));
    let this = ThisStream { step: "build".into(), stream: Stream::Stdout };
    printed(&live.history(), &this).map(|(printed, bytes)| Kept::of(&printed, bytes))
}

fn started(step: &str) -> Happened {
    Happened::StepStarted { step: step.into() }
}

fn piece(step: &str, stream: Stream, offset: u64, bytes: &[u8]) -> Happened {
    Happened::Output(Chunk::new(step, stream, offset, bytes.to_vec()))
}

fn ended(bytes: u64) -> Happened {
    let mut step = StepResult::new("build", Status::Succeeded);
    (step.stdout.bytes, step.stderr.bytes) = (bytes, 1);
    Happened::StepEnded { step: Box::new(step) }
}

#[test]
fn what_a_running_step_has_printed_so_far() {
    let (out, err) = (Stream::Stdout, Stream::Stderr);
    assert_eq!(kept([started("other"), piece("other", out, 0, b"no")]), None);
    let silent = Kept { bytes: "".into(), printed: 0, truncated: false };
    assert_eq!(kept([started("build"), piece("build", err, 0, b"no")]), Some(silent));
    // Not UTF-8, and cut within a character.
    let so_far = [
        piece("build", out, 0, b"\xffa\xc3"),
        piece("other", out, 0, b"no"),
        piece("build", out, 3, b"\xa9"),
    ];
    let so_far = kept(std::iter::once(started("build")).chain(so_far));
    let bytes = (&b"\xffa\xc3\xa9"[..]).into();
    assert_eq!(so_far, Some(Kept { bytes, printed: 4, truncated: false }));
}

#[test]
fn of_more_than_is_kept_head_and_tail() {
    let out = Stream::Stdout;
    let pieces = || [started("build"), piece("build", out, 0, b"head"), piece("build", out, 10, b"tail")];
    let expected = Some(Kept { bytes: "headtail".into(), printed: 14, truncated: true });
    assert_eq!(kept(pieces()), expected);
    assert_eq!(kept(pieces().into_iter().chain([ended(14)])), expected);
    // All of it was dropped.
    let expected = Some(Kept { bytes: "".into(), printed: 5, truncated: true });
    assert_eq!(kept([started("build"), ended(5)]), expected);
}

#[test]
fn of_several_attempts_the_last() {
    let out = Stream::Stdout;
    let again = Happened::Requeued { reason: "restart".into() };
    let first = [started("build"), piece("build", out, 0, b"first"), ended(5), again];
    assert_eq!(kept(first.clone()), None);
    let second = [started("build"), piece("build", out, 0, b"2nd")];
    let expected = Some(Kept { bytes: "2nd".into(), printed: 3, truncated: false });
    assert_eq!(kept(first.into_iter().chain(second)), expected);
}
