//! The commands of a job.

use std::collections::{BTreeMap, BTreeSet};

use super::{Errors, MAX_PATH, MAX_STEPS};
use crate::{Content, HostPolicy, JobRequest, Limits, StepRequest, StepSpec};

/// `MAX_ARG_STRLEN` of linux/binfmts.h: execve(2) refuses a longer argument with E2BIG.
pub(crate) const MAX_ARGUMENT: usize = 128 << 10;
/// All arguments and variables of one step; the kernel allows a quarter of the stack limit, at least this.
const MAX_ARGUMENTS: usize = 1 << 20;

impl Errors {
    pub(super) fn steps(
        &mut self,
        request: &JobRequest,
        host: &HostPolicy,
        limits: &Limits,
        env: &BTreeMap<String, String>,
    ) -> Vec<StepSpec> {
        if let Some(command) = &request.command {
            if !request.steps.is_empty() {
                self.add(&["command"], "conflict", "give `command` or `steps`, not both");
            }
            let step = StepRequest {
                name: Some("run".into()),
                command: command.clone(),
                stdin: request.stdin.clone(),
                ..StepRequest::default()
            };
            return vec![self.step(&[], "run", &step, request, host, limits, env)];
        }
        if request.steps.is_empty() {
            self.add(&["command"], "required", "give `command`, or `steps` with at least one step");
        }
        if request.stdin.is_some() {
            self.add(&["stdin"], "conflict", "`stdin` goes with `command`; a step has a `stdin` of its own");
        }
        self.count(&["steps"], request.steps.len(), MAX_STEPS);
        let mut names = BTreeSet::new();
        let steps = request.steps.iter().take(MAX_STEPS).enumerate();
        steps
            .map(|(i, step)| {
                let index = i.to_string();
                let fallback = format!("step-{i}");
                let made = self.step(&["steps", &index], &fallback, step, request, host, limits, env);
                if !names.insert(made.name.clone()) {
                    let detail = format!("another step is named `{}` already", made.name);
                    self.add(&["steps", &index, "name"], "duplicate", detail);
                }
                made
            })
            .collect()
    }

    #[expect(clippy::too_many_arguments, reason = "what a step inherits from its job, each thing once")]
    pub(super) fn step(
        &mut self,
        at: &[&str],
        fallback_name: &str,
        step: &StepRequest,
        job: &JobRequest,
        host: &HostPolicy,
        limits: &Limits,
        env: &BTreeMap<String, String>,
    ) -> StepSpec {
        let at = |name: &'static str| [at, &[name]].concat();
        let name = step.name.clone().unwrap_or_else(|| fallback_name.into());
        if name.is_empty()
            || name.len() > 64
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            self.add(&at("name"), "invalid", "1 to 64 letters, digits, `-`, `_` or `.`");
        }
        if step.limits.disk_bytes.is_some() {
            let detail = "the disk is shared by all steps: give it in the job's `limits`";
            self.add(&[&at("limits")[..], &["disk_bytes"]].concat(), "unsupported", detail);
        }
        let mut full_env = env.clone();
        full_env.extend(self.env(&at("env"), &step.env));
        self.command(&at("command"), &step.command, &full_env);
        let profile = step.profile.as_ref().or(job.profile.as_ref()).map_or("default", String::as_str);
        let place = if step.profile.is_some() { at("profile") } else { vec!["profile"] };
        self.profile(&place, profile, host);
        let workdir = step.workdir.as_ref().or(job.workdir.as_ref()).map_or("/workspace", String::as_str);
        if !workdir.starts_with('/') || workdir.contains('\0') || workdir.len() > MAX_PATH {
            let place = if step.workdir.is_some() { at("workdir") } else { vec!["workdir"] };
            self.add(&place, "invalid", "an absolute path of at most 4095 bytes without NUL");
        }
        let mut made = StepSpec {
            name,
            command: step.command.clone(),
            stdin: step.stdin.as_ref().map_or_else(Content::default, |input| self.input(&at("stdin"), input)),
            limits: self.limits(&at("limits"), &step.limits, limits, &host.caps),
            env: full_env,
            workdir: workdir.into(),
            profile: profile.into(),
            cases: Vec::new(),
            parallel: self.parallel(&at("parallel"), step),
            fail_fast: step.fail_fast,
        };
        made.cases = self.cases(&at("cases"), step, &made);
        made
    }

    pub(super) fn profile(&mut self, at: &[&str], profile: &str, host: &HostPolicy) {
        if !host.profiles.iter().any(|known| known == profile) {
            self.add(at, "invalid", format!("no such profile; this host has: {}", host.profiles.join(", ")));
        }
    }

    pub(super) fn command(&mut self, at: &[&str], command: &[String], env: &BTreeMap<String, String>) {
        if command.first().is_none_or(String::is_empty) {
            self.add(at, "required", "the program to run must not be empty");
        }
        for (i, argument) in command.iter().enumerate() {
            self.text(&[at, &[&i.to_string()]].concat(), argument);
        }
        self.together(at, command, env);
    }

    pub(super) fn together(&mut self, at: &[&str], command: &[String], env: &BTreeMap<String, String>) {
        let words: usize = command.iter().map(|a| a.len() + 9).sum();
        let total = words + env.iter().map(|(k, v)| k.len() + v.len() + 10).sum::<usize>();
        if total > MAX_ARGUMENTS {
            self.add(
                at,
                "too_large",
                format!("arguments and environment together exceed {MAX_ARGUMENTS} bytes"),
            );
        }
    }

    pub(super) fn env(&mut self, at: &[&str], env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        for (name, value) in env {
            let place = [at, &[name]].concat();
            if name.is_empty() || name.contains(['=', '\0']) {
                self.add(&place, "invalid", "a variable's name must not be empty or contain `=` or NUL");
            }
            self.text(&place, value);
        }
        env.clone()
    }

    pub(super) fn text(&mut self, at: &[&str], text: &str) {
        if text.contains('\0') {
            self.add(at, "invalid", "must not contain NUL");
        }
        if text.len() >= MAX_ARGUMENT {
            self.add(at, "too_large", format!("at most {} bytes", MAX_ARGUMENT - 1));
        }
    }
}
