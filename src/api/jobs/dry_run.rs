//! `POST /jobs?dry_run=true`: what would become of a job. Nothing runs and nothing is kept.

use admission::{Admitted, Denial, Verdict};
use axum::response::{IntoResponse, Response};
use image::Resolved;
use model::{Decision, JobSpec};
use sandbox::LaunchPlan;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::admit::preview;
use crate::caller::Caller;
use crate::edge::RequestId;
use crate::held;
use crate::problem::{Document, Problem};
use crate::router::App;

/// What would become of a job.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub(crate) enum Preview<'a> {
    /// It would run.
    Admit {
        /// As the policies left it; of its variables the names alone.
        #[schemars(with = "Map<String, Value>")]
        job: Value,
        policy: &'a [Decision],
        warnings: &'a [String],
        /// Every mount, limit and filter, as `stockade run --dry-run` prints them. Its form follows the sandbox and is no
        /// part of this contract.
        #[schemars(with = "Map<String, Value>")]
        plan: &'a LaunchPlan,
    },
    /// It would be refused by a policy.
    Deny {
        code: &'a str,
        reason: &'a str,
        field: Option<&'a str>,
        retryable: bool,
        /// The policy that decided.
        denied_by: &'a str,
        policy: &'a [Decision],
        warnings: &'a [String],
        /// What the job would be answered with.
        #[schemars(with = "Document<'static>")]
        problem: Value,
    },
}

/// What is wrong with a job before policies look at it, or with the host after that, is answered as without `dry_run`.
pub(super) fn dry_run(
    app: &App,
    spec: JobSpec,
    image: Option<Resolved>,
    request: RequestId,
    caller: &Caller,
) -> Result<Response, Problem> {
    match preview(app, spec, request, caller) {
        Verdict::Admitted(admitted) => admitted_answer(app, &admitted, image),
        Verdict::Denied(denial) => Ok(denied_answer(&denial, request)),
    }
}

fn admitted_answer(
    app: &App,
    admitted: &Admitted<JobSpec>,
    image: Option<Resolved>,
) -> Result<Response, Problem> {
    let sources = held::preview(admitted.spec(), image);
    let plan = app.supervisor.plan(admitted.spec(), &sources)?;
    let preview = Preview::Admit {
        job: admission::document(admitted.spec(), admitted.about()),
        policy: admitted.decisions(),
        warnings: admitted.warnings(),
        plan: &plan,
    };
    Ok(axum::Json(preview).into_response())
}

fn denied_answer(denial: &Denial, request: RequestId) -> Response {
    let problem = Problem::from(denial.clone());
    let preview = Preview::Deny {
        code: &denial.code,
        reason: &denial.reason,
        field: denial.field.as_deref(),
        retryable: denial.retryable,
        denied_by: &denial.policy,
        policy: &denial.decisions,
        warnings: &denial.warnings,
        problem: problem.value(request, "/jobs"),
    };
    axum::Json(preview).into_response()
}
