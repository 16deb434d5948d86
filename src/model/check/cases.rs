//! The cases of a step: each with all that it takes from the step.

use std::collections::BTreeSet;

use super::Errors;
use crate::{
    CaseRequest, CaseSpec, CheckerRequest, Content, Expect, ExpectRequest, Judge, Limits, LimitsRequest,
    StepRequest, StepSpec,
};

pub(crate) const MAX_CASES: usize = 4096;
const MAX_PARALLEL: u32 = 64;
const DEFAULT_EPSILON: f64 = 1e-6;

impl Errors {
    pub(super) fn parallel(&mut self, at: &[&str], step: &StepRequest) -> u32 {
        let parallel = step.parallel.unwrap_or(1);
        if !(1..=MAX_PARALLEL).contains(&parallel) {
            self.add(at, "invalid", format!("from 1 to {MAX_PARALLEL}"));
        }
        if step.parallel.is_some() && step.cases.is_empty() {
            self.add(at, "conflict", "`parallel` is for a step with `cases`");
        }
        parallel
    }

    pub(super) fn cases(&mut self, at: &[&str], step: &StepRequest, made: &StepSpec) -> Vec<CaseSpec> {
        self.count(at, step.cases.len(), MAX_CASES);
        let mut names = BTreeSet::new();
        let cases = step.cases.iter().take(MAX_CASES).enumerate().map(|(i, case)| {
            let index = i.to_string();
            let at = [at, &[&index]].concat();
            let case = self.case(&at, &format!("case-{i}"), case, made);
            if !names.insert(case.name.clone()) {
                let detail = format!("another case is named `{}` already", case.name);
                self.add(&[&at[..], &["name"]].concat(), "duplicate", detail);
            }
            case
        });
        cases.collect()
    }

    fn case(&mut self, at: &[&str], fallback_name: &str, case: &CaseRequest, step: &StepSpec) -> CaseSpec {
        let at = |name: &'static str| [at, &[name]].concat();
        let name = case.name.clone().unwrap_or_else(|| fallback_name.into());
        if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
            self.add(&at("name"), "invalid", "1 to 128 bytes without control characters");
        }
        let env = self.env(&at("env"), &case.env);
        for (i, argument) in case.args.iter().enumerate() {
            self.text(&[&at("args")[..], &[&i.to_string()]].concat(), argument);
        }
        let stdin = case.stdin.as_ref().map(|input| self.input(&at("stdin"), input));
        self.lower(&at("limits"), &case.limits, &step.limits);
        let expect = case.expect.as_ref().map(|expect| self.expect(&at("expect"), expect, step));
        let (args, limits) = (case.args.clone(), case.limits.clone());
        let case = CaseSpec { name, args, stdin, env, limits, expect };
        let whole = step.of_case(&case);
        self.together(&at("args"), &whole.command, &whole.env);
        case
    }

    /// Policies judge a step by its limits, so none of its cases may have more.
    fn lower(&mut self, at: &[&str], asked: &LimitsRequest, step: &Limits) {
        if asked.disk_bytes.is_some() {
            let detail = "the disk is the same for all of a job: give it in the job's `limits`";
            self.add(&[at, &["disk_bytes"]].concat(), "unsupported", detail);
        }
        let asked = LimitsRequest { disk_bytes: None, ..asked.clone() };
        let before = self.0.len();
        self.limits(at, &asked, step, step);
        for error in self.0[before..].iter_mut().filter(|error| error.code == "above_cap") {
            error.detail = "above the step's own: a case may only have less".into();
        }
    }

    fn expect(&mut self, at: &[&str], expect: &ExpectRequest, step: &StepSpec) -> Expect {
        let at = |name: &'static str| [at, &[name]].concat();
        let stdout = match (&expect.stdout, &expect.stdout_blob) {
            (Some(text), None) => Content::from(text.clone().into_bytes()),
            (None, Some(digest)) => self.blob(&at("stdout_blob"), digest),
            // A checker may know by itself what is right.
            (None, None) if expect.checker.is_some() => Content::default(),
            _ => {
                self.add(
                    &at("stdout"),
                    "required",
                    "exactly one of `stdout` and `stdout_blob`, or a `checker`",
                );
                Content::default()
            }
        };
        if expect.epsilon.is_some_and(|epsilon| !(0.0..=1.0).contains(&epsilon)) {
            self.add(&at("epsilon"), "invalid", "from 0 to 1");
        }
        let by = match &expect.checker {
            Some(checker) => self.checker(&at("checker"), checker, step),
            None => {
                Judge::Compare { how: expect.compare, epsilon: expect.epsilon.unwrap_or(DEFAULT_EPSILON) }
            }
        };
        Expect { stdout, by }
    }

    fn checker(&mut self, at: &[&str], checker: &CheckerRequest, step: &StepSpec) -> Judge {
        let at = |name: &'static str| [at, &[name]].concat();
        self.command(&at("command"), &checker.command, &step.env);
        self.lower(&at("limits"), &checker.limits, &step.limits);
        Judge::Checker { command: checker.command.clone(), limits: checker.limits.clone() }
    }
}
