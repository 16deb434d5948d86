use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::Request;

use super::{Intent, LONGEST, Wait};
use crate::query::QueryError;

fn parse(text: &str) -> Option<Duration> {
    Wait::parse(text).ok().map(|wait| wait.0)
}

#[test]
fn reads_times_up_to_the_longest() {
    let millis = |n| Some(Duration::from_millis(n));
    for (text, time) in [
        ("true", Some(LONGEST)),
        ("false", millis(0)),
        ("0s", millis(0)),
        ("500ms", millis(500)),
        ("30s", millis(30_000)),
        ("2m", millis(120_000)),
        ("5m", Some(LONGEST)),
        ("6m", Some(LONGEST)),
        ("18446744073709551615m", Some(LONGEST)),
    ] {
        assert_eq!(parse(text), time, "{text}");
    }
    for text in [
        "",
        "30",
        "s",
        "-1s",
        "1.5s",
        "1h",
        "30S",
        " 30s",
        "30 s",
        "yes",
        "TRUE",
        "99999999999999999999s",
        "٣s",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

async fn extract(uri: &str) -> Result<Wait, &'static str> {
    let (mut parts, ()) = Request::get(uri).body(()).expect("a valid request").into_parts();
    Wait::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.name())
}

#[tokio::test]
async fn knows_no_other_parameter() {
    assert_eq!(extract("/jobs").await, Ok(Wait(Duration::ZERO)));
    assert_eq!(extract("/jobs?wait=2s").await, Ok(Wait(Duration::from_secs(2))));
    for query in ["?wait=soon", "?wait", "?dry_run=true", "?wait=1s&wait=2s", "?wait=1s&x=1"] {
        assert_eq!(extract(&format!("/jobs{query}")).await, Err("invalid_query"), "{query}");
    }
    assert!(matches!(Wait::parse(&"x".repeat(1000)), Err(QueryError::Syntax(text)) if text.len() < 120));
}

#[tokio::test]
async fn a_dry_run_is_not_waited_for() {
    let intent = async |query: &str| {
        let uri = format!("/jobs{query}");
        let (mut parts, ()) = Request::get(uri).body(()).expect("a valid request").into_parts();
        Intent::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.name())
    };
    let run = |wait| Ok(Intent::Run(Wait(wait)));
    assert_eq!(intent("").await, run(Duration::ZERO));
    assert_eq!(intent("?wait=2s&dry_run=false").await, run(Duration::from_secs(2)));
    assert_eq!(intent("?dry_run=true").await, Ok(Intent::DryRun));
    for query in
        ["?dry_run", "?dry_run=1", "?dry_run=yes", "?dry_run=true&wait=true", "?dry_run=true&wait=false"]
    {
        assert_eq!(intent(query).await, Err("invalid_query"), "{query}");
    }
    assert_eq!(intent("?dry_run=true&dry_run=true").await, Err("invalid_query"));
    assert_eq!(intent("?dryrun=true").await, Err("invalid_query"));
}
