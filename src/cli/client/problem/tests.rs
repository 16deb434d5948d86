use serde_json::json;

use super::*;

fn problem(body: &serde_json::Value) -> Problem {
    Problem::read(StatusCode::UNPROCESSABLE_ENTITY, None, body.to_string().as_bytes())
}

#[test]
fn each_mistake_has_its_line_under_the_name_of_its_option() {
    let several = problem(&json!({
        "title": "Invalid job", "detail": "2 fields are wrong; see `errors`",
        "errors": [
            {"pointer": "/limits/memory_bytes", "code": "above_cap", "detail": "too much"},
            {"pointer": "/labels/a", "code": "invalid", "detail": "too long"},
        ],
    }));
    let first = "Invalid job: 2 fields are wrong; see `errors`";
    assert_eq!(several.lines(Naming::Options), format!("{first}\n  --memory: too much\n  --label: too long"));
    assert_eq!(
        several.lines(Naming::Pointers),
        format!("{first}\n  /limits/memory_bytes: too much\n  /labels/a: too long")
    );
}

#[test]
fn a_single_mistake_needs_one_line() {
    let one = problem(&json!({
        "title": "Invalid job", "detail": "/user: no", "errors": [{"pointer": "/user", "detail": "no"}],
    }));
    assert_eq!(one.lines(Naming::Options), "Invalid job: --user: no");
    let whole =
        problem(&json!({"title": "Denied by policy", "errors": [{"pointer": "", "detail": "not now"}]}));
    assert_eq!(whole.lines(Naming::Options), "Denied by policy: not now");
}

#[test]
fn what_is_no_problem_document_is_its_status() {
    let html = Problem::read(StatusCode::BAD_GATEWAY, None, b"<html>");
    assert_eq!((html.to_string().as_str(), html.passes()), ("Bad Gateway (HTTP 502)", true));
}

#[test]
fn a_servers_text_cannot_drive_the_terminal() {
    let evil = problem(&json!({"title": "a\u{1b}[2J", "detail": "b\nc"}));
    assert_eq!(evil.lines(Naming::Pointers), "a\u{fffd}[2J: b c");
}
