use axum::body::to_bytes;
use axum::response::IntoResponse;
use model::FieldError;
use sandbox::PlanError;
use serde_json::{Value, json};

use super::Problem;
use crate::runner::QueueFull;

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
    let response = Problem::from(QueueFull).into_response();
    assert_eq!(response.status().as_u16(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
}

#[tokio::test]
async fn what_is_internal_goes_to_the_log_alone() {
    let problem = Problem::internal("the secret".into());
    assert_eq!(problem.cause(), "the secret");
    assert!(!document(problem).await.to_string().contains("secret"));
}
