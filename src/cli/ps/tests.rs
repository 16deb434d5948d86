use clap::Parser;
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::args::{Args, Verb};

fn parse(line: &[&str]) -> PsArgs {
    match Args::parse_from(["stockade", "ps"].iter().chain(line)).verb {
        Verb::Ps(args) => args,
        other => panic!("not ps: {other:?}"),
    }
}

#[test]
fn filters_become_a_query() {
    assert_eq!(target(&parse(&[]), 50, None), "/jobs?limit=50");
    let args = parse(&["--status", "running,queued", "--label", "a=b:c", "--label", "d=", "--all-tenants"]);
    assert_eq!(
        target(&args, 1000, Some("x=")),
        "/jobs?limit=200&status=running%2Cqueued&label=a%3Ab%3Ac%2Cd%3A&tenant=%2A&cursor=x%3D"
    );
}

#[test]
fn a_line_tells_what_matters() {
    let now: Timestamp = "2026-01-01T00:10:00Z".parse().expect("a time");
    let created = now - SignedDuration::from_secs(65);
    let job = json!({
        "id": "the-id", "status": "running", "paused": true, "tenant": "ci", "created_at": created,
        "labels": {"a": "b", "evil": "\u{1b}[2J"}, "steps": [{"name": "build"}, {"name": "test"}],
    });
    let item: Item = serde_json::from_value(job).expect("a job");
    let shown = table(&rows(&[item], true, now));
    let lines: Vec<_> = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[0], ["ID", "TENANT", "STATUS", "AGE", "STEPS", "LABELS"]);
    assert_eq!(lines[1], ["the-id", "ci", "running", "(paused)", "1m", "build,test", "a=b,evil=\u{fffd}[2J"]);
}
