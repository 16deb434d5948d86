//! `/jobs`: one that is sent, and the list.

use model::{Job, JobRequest};
use serde_json::{Value, json};
use utoipa::openapi::path::HttpMethod;

use super::super::answer::{Answer, Next, OF_JOB};
use super::super::operation::Operation;
use super::super::parameter::idempotency_key;
use super::JOBS;
use crate::caller::Role;
use crate::jobs::dry_run::Preview;
use crate::jobs::list;
use crate::problem::Code;
use crate::wait::IntentParameters;

const SUBMIT: &str = "Sends a job\n\n\
    It is checked, put before the policies and written down before it is answered; from then on it comes to an end whatever \
    happens to the client or to the server. With `dry_run=true` it is only judged: nothing runs and nothing is kept.";
const LIST: &str = "Lists jobs, newest first\n\nIn pages, without what steps and cases printed.";

/// What can be done with a job that was taken in.
const NEXT: [Next; 6] = [
    ("get_job", OF_JOB),
    ("cancel_job", OF_JOB),
    ("pause_job", OF_JOB),
    ("resume_job", OF_JOB),
    ("delete_job", OF_JOB),
    ("job_events", OF_JOB),
];

/// And with one that has ended, where it is answered as itself.
pub(super) const LEFT: [Next; 4] = [
    ("delete_job", OF_JOB),
    ("job_events", OF_JOB),
    (
        "step_output",
        &[("id", "$response.body#/id"), ("step", "$response.body#/steps/0/name"), ("stream", "stdout")],
    ),
    ("job_artifact", &[("id", "$response.body#/id"), ("path", "$response.body#/artifacts/0/path")]),
];

pub(super) fn operations() -> [Operation; 2] {
    [submit(), list()]
}

fn submit() -> Operation {
    let ended = "With `wait`: the job has ended. With `Idempotency-Key`: the job that was sent before, if it has ended. With \
        `dry_run=true`: what would become of it.";
    Operation::new(HttpMethod::Post, "/jobs", JOBS, "submit_job", SUBMIT)
        .role(Role::Submit)
        .query::<IntentParameters>()
        .parameter(idempotency_key())
        .json::<JobRequest>(examples())
        .answer(Answer::new("200", ended).json::<Submitted>().headers(&["Location", "Idempotent-Replayed"]))
        .answer(
            Answer::new("202", "The job was taken in. With `wait`: it has not ended by then.")
                .json::<Job>()
                .headers(&["Location", "Idempotent-Replayed"])
                .leads_to(&NEXT),
        )
        .refused(&[Code::InvalidJob, Code::UnsupportedLayer])
        .refused(&[Code::PolicyDenied, Code::PolicyDeniedNow, Code::PolicyBusy, Code::PolicyFailed])
        .refused(&[Code::LauncherGone, Code::QuotaExceeded, Code::Stopping, Code::StorageFull])
        .refused(&[Code::IdempotencyInFlight, Code::IdempotencyKeyReused])
}

/// What 200 has in it.
#[derive(schemars::JsonSchema, serde::Serialize)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "stands for its schema alone")]
pub(super) enum Submitted {
    Job(Job),
    Preview(Preview<'static>),
}

fn list() -> Operation {
    Operation::new(HttpMethod::Get, "/jobs", JOBS, "list_jobs", LIST)
        .role(Role::Read)
        .query::<list::Parameters>()
        .answer(Answer::new("200", "One page of them.").json::<list::Page>())
        .refused(&[Code::InvalidCursor])
}

fn examples() -> Vec<(&'static str, Value)> {
    let one = json!({ "command": ["sh", "-c", "echo hello from $PWD"] });
    let source =
        "#include <stdio.h>\nint main(void) { int x; scanf(\"%d\", &x); printf(\"%d\\n\", 2 * x); }\n";
    let cases = json!([
        { "name": "small", "stdin": { "text": "21\n" }, "expect": { "stdout": "42" } },
        { "name": "large", "stdin": { "text": "1000000\n" }, "expect": { "stdout": "2000000" } },
    ]);
    let build = json!({ "name": "build", "command": ["gcc", "-O2", "-o", "main", "main.c"] });
    let judged = json!({
        "files": [{ "path": "main.c", "text": source }],
        "steps": [build, { "name": "judge", "command": ["./main"], "limits": { "wall_time_ms": 1000 }, "cases": cases }],
        "artifacts": ["main"],
        "labels": { "course": "c-101" },
    });
    vec![("command", one), ("cases", judged)]
}
