use clap::Parser;
use serde_json::json;

use super::body::{body, cases};
use super::*;
use crate::args::{Args, Verb};

fn parse(line: &[&str]) -> Result<Box<SubmitArgs>, clap::Error> {
    match Args::try_parse_from(["stockade", "submit"].iter().chain(line))?.verb {
        Verb::Submit(args) => Ok(args),
        other => panic!("not submit: {other:?}"),
    }
}

fn made(line: &[&str]) -> Value {
    body(&parse(line).expect("the line is well-formed")).expect("a job")
}

fn file(name: &str, contents: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("stockade-{name}-{}", std::process::id()));
    std::fs::write(&path, contents).expect("a temporary file");
    path
}

#[test]
fn options_become_a_job_that_the_server_reads() {
    let line = ["-m", "64m", "-e", "A=b", "-l", "team=ci", "--priority", "-5", "--", "echo", "--wait"];
    let job: model::JobRequest = serde_json::from_value(made(&line)).expect("the body of POST /jobs");
    assert_eq!(job.command.as_deref(), Some(&["echo", "--wait"].map(String::from)[..]));
    assert_eq!((job.limits.memory_bytes, job.priority), (Some(64 << 20), Some(-5)));
    assert_eq!((job.env["A"].as_str(), job.labels["team"].as_str()), ("b", "ci"));
    assert!(job.stdin.is_none(), "nobody said -i");
}

#[test]
fn a_file_is_sent_as_it_is_with_what_was_added() {
    let path =
        file("job.json", r#"{"command": ["true"], "labels": {"a": "1", "b": "2"}, "later": {"x": null}}"#);
    let name = path.to_str().expect("a plain path");
    let job = made(&["-f", name, "--label", "b=3"]);
    assert_eq!(made(&["-f", name])["labels"], json!({"a": "1", "b": "2"}));
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(job, json!({"command": ["true"], "labels": {"a": "1", "b": "3"}, "later": {"x": null}}));
}

#[test]
fn a_file_that_is_no_job_is_named_with_the_place() {
    let path = file("bad.json", "{\n  \"command\": [,]\n}");
    let args = parse(&["-f", path.to_str().expect("a plain path")]).expect("the line is well-formed");
    let words = format!("{:?}", body(&args).expect_err("not JSON"));
    std::fs::remove_file(&path).expect("removed");
    assert!(words.contains("bad.json") && words.contains(":2:15"), "{words}");
}

#[test]
fn a_job_comes_from_one_place() {
    for line in [&[][..], &["-f", "a", "true"], &["-f", "a", "-m", "1m"], &["-f", "a", "-i"], &["-t", "sh"]] {
        assert!(parse(line).is_err(), "{line:?}");
    }
    assert!(parse(&["-f", "a", "--wait", "--json"]).is_ok());
}

#[test]
fn cases_are_counted_by_step() {
    let job = json!({"steps": [{"command": []}, {"cases": [{}, {}]}, {"cases": 5}]});
    assert_eq!(cases(&job), [0, 2, 0]);
    assert_eq!(cases(&json!({"command": ["true"]})), [0; 0]);
}
