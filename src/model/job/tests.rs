use super::*;

fn printed(text: &str, encoding: &str) -> Output {
    Output { text: text.into(), encoding: encoding.into(), bytes: 9, truncated: true }
}

fn job() -> Job {
    let case = CaseResult {
        stdout: printed("a", "utf-8"),
        stderr: printed("//8=", "base64"),
        checker: Some("differs".into()),
        ..CaseResult::new("first", Status::WrongOutput)
    };
    let step = StepResult {
        exit_code: Some(3),
        stdout: printed("b", "utf-8"),
        stderr: printed("/w==", "base64"),
        cases: vec![case],
        ..StepResult::new("run", Status::Failed)
    };
    let text = r#"{"id":"00000000-0000-7000-8000-000000000000","status":"failed","tenant":"acme","labels":{"a":"1"},
        "created_at":"2026-01-01T00:00:00Z","started_at":null,"finished_at":null,"cause":null,"steps":[],"artifacts":[],
        "isolation":null,"timing":{"admit_us":1,"queue_us":2,"setup_us":3,"run_us":4,"collect_us":5}}"#;
    Job { steps: vec![step], ..serde_json::from_str(text).expect("a job") }
}

#[test]
fn what_was_printed_is_all_that_is_left_out() {
    let mut expected = job();
    let step = &mut expected.steps[0];
    let case = &mut step.cases[0];
    for output in [&mut step.stdout, &mut step.stderr, &mut case.stdout, &mut case.stderr] {
        output.text.clear();
    }
    assert_eq!(job().without_outputs(), expected);
}

#[test]
fn a_step_alone_has_no_cases() {
    let step = job().steps.remove(0);
    let expected = StepResult { cases: Vec::new(), ..job().without_outputs().steps.remove(0) };
    assert_eq!(step.alone(), expected);
}
