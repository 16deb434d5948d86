use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::panicked;
use crate::guard::Guard;
use crate::problem::{Code, Problem};
use crate::router::layered;
use crate::testing::{request, send};

fn routes() -> Router {
    let routes = Router::new()
        .route("/jobs", post(|| async { "made" }))
        .route(
            "/panic",
            get(|| async {
                Err::<(), _>("boom").map_err(|e: &str| panic!("{e}")).ok().is_some().to_string()
            }),
        )
        .route("/denied", post(|| async { Problem::new(Code::PolicyDenied, "no") }))
        .route("/jobs/{id}", get(|| async { "here" }));
    layered(routes, Guard::new(&[]))
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let answer =
        send(&routes(), request("GET", "/nothing?a=b").body(Body::empty()).expect("a valid request")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.problem(), "not_found");
    assert_eq!(answer.json()["instance"], "/nothing");
    assert_eq!(answer.json()["title"], "No such resource");
}

#[tokio::test]
async fn an_unknown_method_is_a_problem_that_names_the_known_ones() {
    for (method, path, allowed) in [("GET", "/jobs", "POST"), ("DELETE", "/jobs/1", "GET,HEAD")] {
        let answer =
            send(&routes(), request(method, path).body(Body::empty()).expect("a valid request")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.problem(), "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed);
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let answer =
        send(&routes(), request("GET", "/panic").body(Body::empty()).expect("a valid request")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.problem(), "internal_error");
    assert!(!answer.json().to_string().contains("boom"));
    let status = panicked(Box::new(7)).status();
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn the_request_id_is_ours_and_new_each_time() {
    let ask = || {
        request("POST", "/jobs")
            .header("x-request-id", "forged")
            .body(Body::empty())
            .expect("a valid request")
    };
    let (first, second) = (send(&routes(), ask()).await, send(&routes(), ask()).await);
    assert_eq!(first.status, StatusCode::OK);
    let ids = [first.header("x-request-id"), second.header("x-request-id")];
    assert!(ids.iter().all(|id| id.len() == 36) && ids[0] != ids[1], "{ids:?}");
    assert_eq!(first.headers.get_all("x-request-id").iter().count(), 1);
}

#[tokio::test]
async fn a_refused_host_is_a_problem_with_an_id() {
    let foreign = request("GET", "/jobs/1")
        .header("origin", "https://evil.example")
        .body(Body::empty())
        .expect("a valid request");
    let answer = send(&routes(), foreign).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.problem(), "cross_site_request");
}

#[tokio::test]
async fn a_body_that_nobody_read_closes_the_connection() {
    // A policy's no comes after the body was read.
    for (path, body, closes) in
        [("/nothing", "x", "close"), ("/nothing", "", ""), ("/jobs", "x", ""), ("/denied", "x", "")]
    {
        let sent = request("POST", path).header("content-length", body.len().to_string());
        let answer = send(&routes(), sent.body(Body::from(body)).expect("a valid request")).await;
        assert_eq!(answer.header("connection"), closes, "{path} {body}");
    }
}
