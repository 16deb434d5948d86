//! From what a caller sent to a job with nothing left open. Every complaint is collected, each with its JSON pointer.

use std::collections::BTreeMap;

use crate::{HOST_IMAGE, Image, JobRequest, JobSpec, Limits, LimitsRequest, pointer};

pub(crate) mod cases;
mod files;
mod image;
mod limits;
mod service;
mod steps;
mod volumes;

pub(crate) use service::MAX_LABEL;
pub(crate) use steps::MAX_ARGUMENT;
pub(crate) use volumes::MAX_VOLUMES;

pub(crate) const MAX_STEPS: usize = 32;
pub(crate) const MAX_FILES: usize = 4096;
pub(crate) const MAX_ARTIFACT_PATTERNS: usize = 256;
pub(crate) const MAX_LABELS: usize = 64;
/// `PATH_MAX` and `NAME_MAX` of linux/limits.h.
pub(crate) const MAX_PATH: usize = 4095;
const MAX_NAME: usize = 255;
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
    /// Of a job over [`HOST_IMAGE`]: any other is refused.
    pub fn check(self, host: &HostPolicy) -> Result<JobSpec, Vec<FieldError>> {
        self.check_over(host, None)
    }

    /// `image` is what the request's `image` names, where that is not the host.
    pub fn check_over(self, host: &HostPolicy, image: Option<&Image>) -> Result<JobSpec, Vec<FieldError>> {
        let mut errors = Errors::default();
        let request = match image {
            Some(image) => self.filled_in(image),
            None => self,
        };
        let spec = errors.job(&request, host, image);
        if errors.0.is_empty() { Ok(spec) } else { Err(errors.0) }
    }

    /// The image that has to be looked up before the job can be checked.
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref().filter(|image| *image != HOST_IMAGE)
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

    fn job(&mut self, request: &JobRequest, host: &HostPolicy, image: Option<&Image>) -> JobSpec {
        self.known(request, image);
        let limits = self.limits(&["limits"], &request.limits, &host.defaults, &host.caps);
        let account = self.account(request.user.as_deref(), image);
        let mut env: BTreeMap<_, _> = image::default_env(account.home);
        env.extend(self.env(&["env"], &request.env));
        self.labels(&request.labels);
        self.count(&["artifacts"], request.artifacts.len(), MAX_ARTIFACT_PATTERNS);
        for (i, pattern) in request.artifacts.iter().enumerate() {
            self.path(&["artifacts", &i.to_string()], pattern);
        }
        let files = self.files(&request.files);
        self.fit(&files, limits.disk_bytes.min(limits.memory_bytes));
        JobSpec {
            image: image.map_or(HOST_IMAGE, |image| &image.reference).into(),
            image_digest: image.map(|image| image.digest.clone()),
            files,
            disk_bytes: limits.disk_bytes,
            on_output_limit: request.on_output_limit,
            network: request.network.clone(),
            volumes: self.volumes(&request.volumes, image.is_none()),
            artifacts: request.artifacts.clone(),
            user: account.user,
            group: account.group,
            labels: request.labels.clone(),
            require: request.require.clone(),
            priority: self.priority(request.priority),
            max_attempts: self.max_attempts(&request.retry),
            queue_timeout_ms: self.queue_timeout(request.queue_timeout_ms),
            commit: self.commit(request.commit.as_ref(), image),
            callback: self.callback(request.callback.as_ref()),
            tty: false,
            steps: self.steps(request, host, &limits, &env),
        }
    }

    fn count(&mut self, at: &[&str], count: usize, most: usize) {
        if count > most {
            self.add(at, "too_large", format!("{count} entries; at most {most}"));
        }
    }
}

#[cfg(test)]
mod tests;
