//! Below `/jobs/{id}`.

use model::{CommitRequest, Committed, Job};
use serde_json::json;
use utoipa::openapi::path::{HttpMethod, Parameter};

use super::super::answer::Answer;
use super::super::operation::Operation;
use super::super::parameter::{if_none_match, if_range, in_header, in_path, job_id, range};
use super::JOBS;
use super::jobs::LEFT;
use crate::caller::Role;
use crate::jobs::events;
use crate::problem::Code;
use crate::wait;

const GET: &str = "Answers a job\n\nWith `wait` only when it has ended, or when that time is over.";
const DELETE: &str = "Deletes a job that has ended\n\nIts record, and all that belongs to it alone.";
const CANCEL: &str =
    "Ends a job as `cancelled`\n\nThe answer is the job as it stands; after its end this changes nothing.";
const PAUSE: &str = "Holds a job back\n\nIts processes stand still until it is resumed; that time counts for no limit of a step.";
const COMMIT: &str = "Makes an image of a paused job\n\nOf its image and what it has changed; see `commit` of a job for one that ends.";
const EVENTS: &str = "Answers what happened to a job\n\n\
    With `Accept: text/event-stream` as server-sent events (WHATWG HTML §9.2), as they happen, until the job has ended: `id` is the \
    number of the event, `event` its `type`, `data` the `Event` as JSON on one line. A client that was cut off goes on with \
    `Last-Event-ID`, and nothing is lost or doubled. Otherwise in pages.";
const OUTPUT: &str =
    "Answers what a step printed\n\nThe kept bytes as they are, of a step that has ended or that still runs.";
const ARTIFACT: &str = "Answers a collected file\n\nIts digest is compared before it is sent.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        get(),
        delete(),
        order("/jobs/{id}/cancel", "cancel_job", CANCEL),
        order("/jobs/{id}/pause", "pause_job", PAUSE).refused(&[Code::JobNotRunning]),
        order("/jobs/{id}/resume", "resume_job", "Lets a paused job go on").refused(&[Code::JobNotRunning]),
        commit(),
        events(),
        output(),
        artifact(),
    ]
}

fn commit() -> Operation {
    of_job(HttpMethod::Post, "/jobs/{id}/commit", "commit_job", COMMIT)
        .role(Role::Submit)
        .json::<CommitRequest>(vec![("workspace_too", json!({ "image": "acme/app:1", "workspace": true }))])
        .answer(Answer::new("201", "The new image.").json::<Committed>())
        .refused(&[Code::JobNotPaused, Code::InvalidJob, Code::StorageFull])
}

fn of_job(method: HttpMethod, path: &'static str, name: &'static str, about: &'static str) -> Operation {
    Operation::new(method, path, JOBS, name, about).parameter(job_id()).refused(&[Code::JobNotFound])
}

fn get() -> Operation {
    of_job(HttpMethod::Get, "/jobs/{id}", "get_job", GET)
        .role(Role::Read)
        .query::<wait::Parameters>()
        .parameter(if_none_match())
        .answer(
            Answer::new("200", "The job as it stands.")
                .json::<Job>()
                .headers(&["ETag", "Cache-Control"])
                .leads_to(&LEFT),
        )
        .answer(unchanged())
}

fn delete() -> Operation {
    of_job(HttpMethod::Delete, "/jobs/{id}", "delete_job", DELETE)
        .role(Role::Submit)
        .answer(Answer::new("204", "It is gone."))
        .refused(&[Code::JobNotFinished])
}

fn order(path: &'static str, name: &'static str, about: &'static str) -> Operation {
    of_job(HttpMethod::Post, path, name, about)
        .role(Role::Submit)
        .answer(Answer::new("202", "The job as it stands.").json::<Job>())
}

fn events() -> Operation {
    let number = json!({ "type": "integer", "format": "uint64", "minimum": 0 });
    let last = in_header("Last-Event-ID", "As `after`, and before it.", number);
    of_job(HttpMethod::Get, "/jobs/{id}/events", "job_events", EVENTS)
        .role(Role::Read)
        .query::<events::Parameters>()
        .parameter(last)
        .answer(
            Answer::new("200", "The events after that one.")
                .json::<events::Page>()
                .text("text/event-stream", "Each event has the fields `id`, `event` and `data`.")
                .headers(&["Cache-Control"]),
        )
        .answer(Answer::new("204", "Server-sent events only: the job has ended, and nothing more will come."))
}

fn output() -> Operation {
    let stream = json!({ "type": "string", "enum": ["stdout", "stderr"] });
    let printed = ["Stockade-Bytes-Printed", "Stockade-Truncated"];
    let [all, part] = pieces();
    of_job(HttpMethod::Get, "/jobs/{id}/steps/{step}/{stream}", "step_output", OUTPUT)
        .role(Role::Read)
        .parameter(in_path("step", "The name of a step.", json!({ "type": "string" })))
        .parameter(in_path("stream", "Which of the two.", stream))
        .parameter(range())
        .parameter(if_range())
        .parameter(if_none_match())
        .answer(all.headers(&printed))
        .answer(part.headers(&printed))
        .answer(unchanged())
        .refused(&[Code::OutputNotFound, Code::RangeNotSatisfiable])
}

fn artifact() -> Operation {
    let [all, part] = pieces();
    of_job(HttpMethod::Get, "/jobs/{id}/artifacts/{path}", "job_artifact", ARTIFACT)
        .role(Role::Read)
        .parameter(artifact_path())
        .parameter(range())
        .parameter(if_range())
        .parameter(if_none_match())
        .answer(all)
        .answer(part)
        .answer(unchanged())
        .refused(&[Code::ArtifactNotFound, Code::ArtifactDamaged, Code::RangeNotSatisfiable])
}

fn artifact_path() -> Parameter {
    in_path("path", "As in the job's `artifacts`; it may have slashes in it.", json!({ "type": "string" }))
}

pub(super) fn unchanged() -> Answer {
    Answer::new("304", "It is what `If-None-Match` names.").headers(&["ETag"])
}

/// The whole, and a range of it.
pub(super) fn pieces() -> [Answer; 2] {
    let headers = ["ETag", "Cache-Control", "Accept-Ranges", "Content-Disposition", "Repr-Digest"];
    [
        Answer::new("200", "All of it.").bytes().headers(&headers),
        Answer::new("206", "The range that was asked for.")
            .bytes()
            .headers(&headers)
            .headers(&["Content-Range"]),
    ]
}
