//! A program that decides whether what a case printed is right, called as testlib's checkers are:
//! `CHECKER … INPUT OUTPUT ANSWER`.

use model::{CaseResult, CaseSpec, Cause, Content, FileSpec, LimitsRequest, Status, StepSpec};

use crate::output::Kept;

/// Below `/workspace`; a job that has a file of this name has no checkers.
const FOLDER: &str = ".stockade";
/// Of what it says.
const MOST_SAID: usize = 1024;

/// What a checker made of a case.
pub(super) struct Checked {
    pub(super) status: Status,
    pub(super) cause: Option<Cause>,
    pub(super) said: String,
}

pub(super) fn program(
    step: &StepSpec,
    case: &CaseSpec,
    command: &[String],
    limits: &LimitsRequest,
) -> StepSpec {
    let mut program = step.of_checker(case, command, limits);
    program.command.extend(names().map(|name| format!("/workspace/{name}")));
    program
}

pub(super) fn files(input: &Content, output: Vec<u8>, answer: &Content) -> Vec<FileSpec> {
    let contents = [input.clone(), output.into(), answer.clone()];
    names()
        .into_iter()
        .zip(contents)
        .map(|(path, contents)| FileSpec { path, mode: 0o644, contents })
        .collect()
}

fn names() -> [String; 3] {
    ["input", "output", "answer"].map(|name| format!("{FOLDER}/{name}"))
}

pub(super) fn verdict(checked: CaseResult, stdout: &Kept, stderr: &Kept) -> Checked {
    let said = said(stdout, stderr);
    let line = said.lines().next().unwrap_or_default();
    let (status, cause) = match (checked.status, checked.exit_code) {
        (Status::Succeeded, _) => (Status::Succeeded, None),
        (status @ (Status::Cancelled | Status::Lost), _) => (status, checked.cause),
        (Status::Failed, Some(code @ (1 | 2))) => {
            let detail = if line.is_empty() {
                format!("the checker ended with exit code {code}")
            } else {
                line.into()
            };
            (Status::WrongOutput, Some(Cause::new("checker", detail)))
        }
        _ => (Status::Failed, Some(failed(checked, line))),
    };
    Checked { status, cause, said }
}

/// Its own failure is not the case's, and no verdict on it either.
fn failed(checked: CaseResult, line: &str) -> Cause {
    let how = match (&checked.cause, checked.exit_code) {
        (Some(cause), _) => cause.detail.clone(),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "no exit code".into(),
    };
    let said = if line.is_empty() { String::new() } else { format!(": {line}") };
    let detail = format!("the checker itself failed ({how}){said}");
    Cause { kind: "checker".into(), detail, ..checked.cause.unwrap_or_else(|| Cause::new("checker", "")) }
}

fn said(stdout: &Kept, stderr: &Kept) -> String {
    let stream = if stdout.bytes() > 0 { stdout } else { stderr };
    let mut bytes = stream.all();
    bytes.truncate(MOST_SAID);
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    // A replacement character is longer than what it stands for.
    while text.len() > MOST_SAID {
        text.pop();
    }
    text.trim_end().into()
}

#[cfg(test)]
mod tests;
