//! From what a caller sent to a job with nothing left open. Every complaint is collected, each with its JSON pointer.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{
    Content, FileRequest, FileSpec, Input, JobRequest, JobSpec, Limits, LimitsRequest, StepRequest, StepSpec,
    pointer,
};

pub(crate) mod cases;
mod service;

pub(crate) const MAX_STEPS: usize = 32;
pub(crate) const MAX_FILES: usize = 4096;
pub(crate) const MAX_ARTIFACT_PATTERNS: usize = 256;
pub(crate) const MAX_LABELS: usize = 64;
/// `PATH_MAX` and `NAME_MAX` of linux/limits.h.
pub(crate) const MAX_PATH: usize = 4095;
const MAX_NAME: usize = 255;
/// `MAX_ARG_STRLEN` of linux/binfmts.h: execve(2) refuses a longer argument with E2BIG.
pub(crate) const MAX_ARGUMENT: usize = 128 << 10;
/// All arguments and variables of one step; the kernel allows a quarter of the stack limit, at least this.
const MAX_ARGUMENTS: usize = 1 << 20;
/// Of a label's name and of its value.
pub(crate) const MAX_LABEL: usize = 256;
/// What every program finds set, unless the job sets it otherwise.
const DEFAULT_ENV: [(&str, &str); 3] = [
    ("HOME", "/tmp"),
    ("LANG", "C.UTF-8"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
];
const DEFAULT_USER: u32 = 1000;
/// The overflow id (`user_namespaces(7)`) stands for every unmapped id, so it cannot be a job's own.
const LARGEST_USER: u32 = 65_533;

/// What this host gives when asked for nothing, and the most it gives.
#[derive(Clone, Debug)]
pub struct HostPolicy {
    pub defaults: Limits,
    pub caps: Limits,
    /// Names of the seccomp profiles that are loaded.
    pub profiles: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub pointer: String,
    /// Stable word: `invalid`, `required`, `conflict`, `too_large`, `above_cap`, `unsupported`, `duplicate`.
    pub code: &'static str,
    pub detail: String,
}

impl JobRequest {
    pub fn check(self, host: &HostPolicy) -> Result<JobSpec, Vec<FieldError>> {
        let mut errors = Errors::default();
        let spec = errors.job(&self, host);
        if errors.0.is_empty() { Ok(spec) } else { Err(errors.0) }
    }
}

impl JobSpec {
    /// Holds a job that was changed after [`JobRequest::check`] to the same rules again.
    pub fn recheck(&self, host: &HostPolicy) -> Result<(), Vec<FieldError>> {
        let mut errors = Errors::default();
        errors.labels(&self.labels);
        if let Some(step) = self.steps.first() {
            let disk = LimitsRequest { disk_bytes: Some(self.disk_bytes), ..LimitsRequest::default() };
            errors.limits(&["limits"], &disk, &step.limits, &host.caps);
        }
        errors.fit(&self.files, self.disk_bytes.min(self.steps.first().map_or(0, |s| s.limits.memory_bytes)));
        for (i, step) in self.steps.iter().enumerate() {
            let index = i.to_string();
            let at = |name: &'static str| ["steps", &index, name];
            // The disk is the job's, and complained about there.
            let asked = LimitsRequest { disk_bytes: None, ..LimitsRequest::from(&step.limits) };
            errors.limits(&at("limits"), &asked, &step.limits, &host.caps);
            errors.env(&at("env"), &step.env);
            errors.command(&at("command"), &step.command, &step.env);
            errors.profile(&at("profile"), &step.profile, host);
        }
        if errors.0.is_empty() { Ok(()) } else { Err(errors.0) }
    }
}

#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, at: &[&str], code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer(at), code, detail: detail.into() });
    }

    fn job(&mut self, request: &JobRequest, host: &HostPolicy) -> JobSpec {
        let image = request.image.clone().unwrap_or_else(|| "host".into());
        if image != "host" {
            self.add(&["image"], "unsupported", "the only image of this host is `host`");
        }
        let limits = self.limits(&["limits"], &request.limits, &host.defaults, &host.caps);
        let mut env: BTreeMap<_, _> = DEFAULT_ENV.map(|(name, value)| (name.into(), value.into())).into();
        env.extend(self.env(&["env"], &request.env));
        let user = self.user(request.user.as_deref());
        self.labels(&request.labels);
        self.count(&["artifacts"], request.artifacts.len(), MAX_ARTIFACT_PATTERNS);
        for (i, pattern) in request.artifacts.iter().enumerate() {
            self.path(&["artifacts", &i.to_string()], pattern);
        }
        let files = self.files(&request.files);
        self.fit(&files, limits.disk_bytes.min(limits.memory_bytes));
        JobSpec {
            image,
            files,
            disk_bytes: limits.disk_bytes,
            on_output_limit: request.on_output_limit,
            network: request.network.clone(),
            artifacts: request.artifacts.clone(),
            user,
            labels: request.labels.clone(),
            require: request.require.clone(),
            priority: self.priority(request.priority),
            max_attempts: self.max_attempts(&request.retry),
            queue_timeout_ms: self.queue_timeout(request.queue_timeout_ms),
            callback: self.callback(request.callback.as_ref()),
            tty: false,
            steps: self.steps(request, host, &limits, &env),
        }
    }

    fn steps(
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
    fn step(
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

    fn profile(&mut self, at: &[&str], profile: &str, host: &HostPolicy) {
        if !host.profiles.iter().any(|known| known == profile) {
            self.add(at, "invalid", format!("no such profile; this host has: {}", host.profiles.join(", ")));
        }
    }

    fn command(&mut self, at: &[&str], command: &[String], env: &BTreeMap<String, String>) {
        if command.first().is_none_or(String::is_empty) {
            self.add(at, "required", "the program to run must not be empty");
        }
        for (i, argument) in command.iter().enumerate() {
            self.text(&[at, &[&i.to_string()]].concat(), argument);
        }
        self.together(at, command, env);
    }

    fn together(&mut self, at: &[&str], command: &[String], env: &BTreeMap<String, String>) {
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

    fn env(&mut self, at: &[&str], env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        for (name, value) in env {
            let place = [at, &[name]].concat();
            if name.is_empty() || name.contains(['=', '\0']) {
                self.add(&place, "invalid", "a variable's name must not be empty or contain `=` or NUL");
            }
            self.text(&place, value);
        }
        env.clone()
    }

    fn text(&mut self, at: &[&str], text: &str) {
        if text.contains('\0') {
            self.add(at, "invalid", "must not contain NUL");
        }
        if text.len() >= MAX_ARGUMENT {
            self.add(at, "too_large", format!("at most {} bytes", MAX_ARGUMENT - 1));
        }
    }

    fn labels(&mut self, labels: &BTreeMap<String, String>) {
        self.count(&["labels"], labels.len(), MAX_LABELS);
        for (name, value) in labels {
            if name.is_empty() || name.len() > MAX_LABEL || value.len() > MAX_LABEL {
                let detail = format!("a name of 1 to {MAX_LABEL} bytes, a value of at most {MAX_LABEL}");
                self.add(&["labels", name], "invalid", detail);
            }
        }
    }

    fn user(&mut self, user: Option<&str>) -> u32 {
        let Some(text) = user else { return DEFAULT_USER };
        match text.parse::<u32>() {
            Ok(id) if id <= LARGEST_USER && id.to_string() == text => id,
            _ => {
                self.add(&["user"], "invalid", format!("a number from 0 to {LARGEST_USER}"));
                DEFAULT_USER
            }
        }
    }

    fn files(&mut self, files: &[FileRequest]) -> Vec<FileSpec> {
        self.count(&["files"], files.len(), MAX_FILES);
        let mut seen = BTreeSet::new();
        let files = files.iter().take(MAX_FILES).enumerate();
        files
            .map(|(i, file)| {
                let index = i.to_string();
                let at = ["files", &index];
                self.path(&[at[0], at[1], "path"], &file.path);
                self.no_clash(&[at[0], at[1], "path"], &file.path, &seen);
                seen.insert(file.path.as_str());
                let (text, base64, blob) = (file.text.clone(), file.base64.clone(), file.blob.clone());
                let input = Input { text, base64, blob };
                FileSpec {
                    path: file.path.clone(),
                    mode: self.mode(&[at[0], at[1], "mode"], file.mode.as_deref()),
                    contents: self.input(&at, &input),
                }
            })
            .collect()
    }

    fn fit(&mut self, files: &[FileSpec], room: u64) {
        let bytes: u64 = files.iter().map(|file| file.contents.len() as u64).sum();
        if bytes > room {
            self.add(&["files"], "too_large", "the files do not fit into `disk_bytes` and `memory_bytes`");
        }
    }

    /// A name is one file, or a folder of others.
    fn no_clash(&mut self, at: &[&str], path: &str, seen: &BTreeSet<&str>) {
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        let below = format!("{path}/");
        let is_folder = seen.range(below.as_str()..).next().is_some_and(|other| other.starts_with(&below));
        if seen.contains(path) {
            self.add(at, "duplicate", "another file has this path already");
        } else if is_folder || folders.into_iter().any(|folder| seen.contains(folder)) {
            self.add(at, "conflict", "another file's path makes a file and a folder of the same name");
        }
    }

    fn mode(&mut self, at: &[&str], mode: Option<&str>) -> u32 {
        let Some(text) = mode else { return 0o644 };
        match u32::from_str_radix(text, 8) {
            Ok(bits) if bits <= 0o777 && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit()) => bits,
            _ => {
                self.add(
                    at,
                    "invalid",
                    "permission bits in octal, such as `0644`, without setuid, setgid or sticky",
                );
                0o644
            }
        }
    }

    fn input(&mut self, at: &[&str], input: &Input) -> Content {
        match (&input.text, &input.base64, &input.blob) {
            (Some(text), None, None) => text.clone().into_bytes().into(),
            (None, None, Some(digest)) => self.blob(&[at, &["blob"]].concat(), digest),
            (None, Some(text), None) => STANDARD.decode(text).map_or_else(
                |e| {
                    self.add(
                        &[at, &["base64"]].concat(),
                        "invalid",
                        format!("not base64 (RFC 4648 section 4): {e}"),
                    );
                    Content::default()
                },
                Content::from,
            ),
            _ => {
                self.add(at, "required", "exactly one of `text`, `base64` and `blob`");
                Content::default()
            }
        }
    }

    /// A path that stays below `/workspace` whatever it is joined to.
    fn path(&mut self, at: &[&str], path: &str) {
        let problem = if path.is_empty() {
            "must not be empty"
        } else if path.starts_with('/') {
            "must be relative to /workspace"
        } else if path.contains('\0') {
            "must not contain NUL"
        } else if path.len() > MAX_PATH || path.split('/').any(|part| part.len() > MAX_NAME) {
            "at most 4095 bytes, and 255 for each name in it"
        } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            "must not have an empty, `.` or `..` part"
        } else {
            return;
        };
        self.add(at, "invalid", problem);
    }

    fn count(&mut self, at: &[&str], count: usize, most: usize) {
        if count > most {
            self.add(at, "too_large", format!("{count} entries; at most {most}"));
        }
    }

    fn limits(&mut self, at: &[&str], asked: &LimitsRequest, base: &Limits, caps: &Limits) -> Limits {
        let mut check = |name: &str, value: Option<u64>, least: u64, most: u64| {
            let place = [at, &[name]].concat();
            match value {
                Some(v) if v < least => self.add(&place, "invalid", format!("at least {least}")),
                Some(v) if v > most => {
                    self.add(&place, "above_cap", format!("this host allows at most {most}"));
                }
                _ => (),
            }
        };
        check("cpu_time_ms", asked.cpu_time_ms, 1, caps.cpu_time_ms);
        check("wall_time_ms", asked.wall_time_ms, 1, caps.wall_time_ms);
        check("memory_bytes", asked.memory_bytes, 1 << 20, caps.memory_bytes);
        check("pids", asked.pids, 1, caps.pids);
        check("output_bytes", asked.output_bytes, 0, caps.output_bytes);
        check("disk_bytes", asked.disk_bytes, 64 << 10, caps.disk_bytes);
        check("open_files", asked.open_files, 4, caps.open_files);
        check("file_bytes", asked.file_bytes, 0, caps.file_bytes);
        check("stack_bytes", asked.stack_bytes, 64 << 10, caps.stack_bytes);
        match asked.cpus {
            Some(cpus) if !cpus.is_finite() || cpus < 0.01 => {
                self.add(&[at, &["cpus"]].concat(), "invalid", "at least 0.01");
            }
            Some(cpus) if cpus > caps.cpus => {
                let detail = format!("this host allows at most {}", caps.cpus);
                self.add(&[at, &["cpus"]].concat(), "above_cap", detail);
            }
            _ => (),
        }
        asked.over(base)
    }
}

#[cfg(test)]
mod tests;
