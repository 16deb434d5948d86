use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::Request;
use model::{Happened, Job, Status};
use tokio::time::{Instant, sleep};

use super::{Intent, LONGEST, Wait};
use crate::query::QueryError;
use crate::store::Found;
use crate::testing::live;

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

#[tokio::test(start_paused = true)]
async fn waits_for_the_end_or_for_its_time() {
    let live = live();
    live.happened(Happened::Started { attempt: 1, queue_us: 0 });
    let on = async |seconds| {
        let found = Found::Live(Arc::clone(&live));
        Wait(Duration::from_secs(seconds))
            .on(found)
            .await
            .map(|job| job.status)
            .map_err(|problem| problem.name())
    };
    let start = Instant::now();
    assert_eq!((on(0).await, start.elapsed()), (Ok(Status::Running), Duration::ZERO));
    assert_eq!((on(3).await, start.elapsed()), (Ok(Status::Running), Duration::from_secs(3)));
    let tell = async {
        sleep(Duration::from_secs(1)).await;
        let job = live.job().expect("accepted");
        live.tell(Arc::new(Job { status: Status::Failed, ..Job::clone(&job) }), 0);
    };
    let (status, ()) = tokio::join!(on(30), tell);
    assert_eq!((status, start.elapsed()), (Ok(Status::Failed), Duration::from_secs(4)));
    // It has ended: there is nothing to wait for.
    assert_eq!((on(30).await, start.elapsed()), (Ok(Status::Failed), Duration::from_secs(4)));
}
