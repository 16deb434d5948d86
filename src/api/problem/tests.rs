use admission::Denial;
use axum::body::to_bytes;
use axum::response::IntoResponse;
use model::{Decision, Failure, FieldError, Mode, Ruling};
use sandbox::PlanError;
use serde_json::{Value, json};

use super::Problem;
use crate::policies::ReloadError;
use crate::testing::decision;

async fn document(problem: Problem) -> Value {
    let body = to_bytes(problem.body("the-id", "/jobs"), usize::MAX).await.expect("a body");
    serde_json::from_slice(&body).expect("JSON")
}

#[tokio::test]
async fn has_all_members_of_rfc_9457_and_ours() {
    let error = |pointer: &str| FieldError { pointer: pointer.into(), code: "invalid", detail: "no".into() };
    let errors = vec![error("/image"), error("/user")];
    let expected = json!({
        "type": "urn:stockade:problem:invalid_job",
        "title": "Invalid job",
        "status": 422,
        "detail": "2 fields are wrong; see `errors`",
        "instance": "/jobs",
        "request_id": "the-id",
        "errors": [
            {"pointer": "/image", "code": "invalid", "detail": "no"},
            {"pointer": "/user", "code": "invalid", "detail": "no"},
        ],
    });
    assert_eq!(document(errors.into()).await, expected);
    assert_eq!(document(vec![error("/image")].into()).await["detail"], "/image: no");
}

#[tokio::test]
async fn a_layer_that_cannot_be_had_says_what_to_do() {
    let error = |require_index| PlanError {
        layer: "cgroup.memory".into(),
        detail: "no memory controller".into(),
        remedy: "delegate it".into(),
        require_index,
    };
    let asked = document(error(Some(2)).into()).await;
    assert_eq!(asked["status"], 422);
    assert_eq!(asked["detail"], "cgroup.memory: no memory controller; delegate it");
    assert_eq!(asked["errors"][0]["pointer"], "/require/2");
    assert_eq!(document(error(None).into()).await["errors"][0]["pointer"], "");
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let response = Problem::from(queue_full()).into_response();
    assert_eq!(response.status().as_u16(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
}

#[tokio::test]
async fn what_is_internal_goes_to_the_log_alone() {
    let problem = Problem::internal("the secret".into());
    assert_eq!(problem.cause(), "the secret");
    assert!(!document(problem).await.to_string().contains("secret"));
}

fn denial(failure: Option<Failure>, retryable: bool) -> Denial {
    let ruling = if failure.is_some() { Ruling::Error } else { Ruling::Deny };
    let decisions = vec![
        Decision { verdict: ruling, field: Some("/image".into()), ..decision("image") },
        Decision { verdict: ruling, mode: Mode::Audit, ..decision("audit") },
        Decision { verdict: Ruling::Allow, ..decision("allows") },
        Decision { verdict: ruling, shadow: true, ..decision("shadow") },
        Decision { verdict: Ruling::Error, code: Some("trap".into()), ..decision("second") },
    ];
    Denial {
        policy: "image".into(),
        code: "no".into(),
        reason: "image says no".into(),
        field: Some("/image".into()),
        retryable,
        failure,
        warnings: vec!["mind".into()],
        decisions,
    }
}

#[tokio::test]
async fn a_denial_lists_every_policy_that_denies() {
    let problem = document(denial(None, false).into()).await;
    assert_eq!(problem["type"], "urn:stockade:problem:policy_denied");
    assert_eq!(problem["detail"], "image says no");
    let errors = json!([
        {"pointer": "/image", "code": "no", "detail": "image says no"},
        {"pointer": "", "code": "trap", "detail": "second says no"},
    ]);
    assert_eq!(problem["errors"], errors);
    assert_eq!(problem["policy"].as_array().map(Vec::len), Some(5));
    assert_eq!(problem["warnings"], json!(["mind"]));
}

#[test]
fn a_denial_says_whether_to_come_again() {
    let status = |failure, retryable| {
        let problem = Problem::from(denial(failure, retryable));
        let name = problem.name();
        let response = problem.into_response();
        (response.status().as_u16(), name, response.headers().contains_key("retry-after"))
    };
    assert_eq!(status(None, false), (403, "policy_denied", false));
    assert_eq!(status(None, true), (503, "policy_denied", true));
    assert_eq!(status(Some(Failure::Trap), false), (500, "policy_failed", false));
    assert_eq!(status(Some(Failure::PoolExhausted), true), (503, "policy_busy", true));
}

#[tokio::test]
async fn a_refused_bundle_says_where_and_what_to_do() {
    let error = admission::Bundle::parse(
        "b.toml",
        std::path::Path::new(""),
        "\n[[policy]]\nname = \"A\"\nplugin = \"p\"",
    );
    let problem = document(ReloadError::from(error.expect_err("no name")).into()).await;
    assert_eq!((&problem["status"], &problem["line"]), (&json!(422), &json!(2)), "{problem}");
    assert_eq!((&problem["bundle"], &problem["policy"]), (&json!("b.toml"), &json!("A")), "{problem}");
    assert!(problem["remedy"].is_string() && problem["code"] == "bundle", "{problem}");
    let error = admission::Bundle::read("/no/such/bundle").expect_err("no file");
    let problem = document(ReloadError::from(error).into()).await;
    assert!(problem.get("line").is_none() && problem.get("policy").is_none(), "{problem}");
}

fn queue_full() -> schedule::Refused {
    schedule::Refused {
        reason: schedule::Reason::QueueFull,
        retry_after: std::time::Duration::from_millis(100),
    }
}
