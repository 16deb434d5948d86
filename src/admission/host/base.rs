//! `log`, `call`, `container` and `outcome`.

use model::Receipt;
use serde_json::Value;

use super::{State, line};
use crate::bindings::types::Pair;
use crate::bindings::{call, container, log, outcome};
use crate::document;
use crate::witness::Answer;

const MAX_LOG_LINES: u32 = 64;
const MAX_LOG_LINE: usize = 1024;

impl log::Host for State {
    fn log(&mut self, level: log::Level, message: String) {
        if self.log_lines >= MAX_LOG_LINES {
            self.drop_log_line();
            return;
        }
        self.log_lines += 1;
        // One line, whatever it holds: a policy must not forge others.
        let text = line(message, MAX_LOG_LINE);
        self.witness.tell(text.len(), move |view| {
            let (policy, job_id) = (&*view.policy.name, view.about.id);
            match level {
                log::Level::Debug => tracing::debug!(policy, %job_id, "{text}"),
                log::Level::Info => tracing::info!(policy, %job_id, "{text}"),
                log::Level::Warn => tracing::warn!(policy, %job_id, "{text}"),
                log::Level::Error => tracing::error!(policy, %job_id, "{text}"),
            }
        });
    }
}

/// The policy's name, settings and timeout are the same for all its calls.
impl call::Host for State {
    fn policy(&mut self) -> String {
        self.witness.name().to_owned()
    }

    fn settings(&mut self) -> String {
        self.witness.settings().to_owned()
    }

    fn request_id(&mut self) -> String {
        self.has_asked = true;
        self.witness.look().about.request_id.clone()
    }

    fn now_unix_ms(&mut self) -> u64 {
        self.has_asked = true;
        self.witness.look().now_ms()
    }

    fn timeout_ms(&mut self) -> u32 {
        u32::try_from(self.witness.timeout().as_millis()).unwrap_or(u32::MAX)
    }
}

impl State {
    /// Of the container, or what stands for nothing before there is one.
    fn container<T: Answer + Default>(&mut self, of: impl Fn(&Receipt) -> T + Send + Sync + 'static) -> T {
        self.ask(move |view| view.container.as_deref().map_or_else(T::default, &of))
    }

    fn ended<T: Answer + Default>(&mut self, of: impl Fn(&model::Job) -> T + Send + Sync + 'static) -> T {
        self.ask(move |view| view.outcome.as_deref().map_or_else(T::default, &of))
    }
}

impl container::Host for State {
    fn namespaces(&mut self) -> Vec<String> {
        self.container(|receipt| receipt.namespaces.clone())
    }

    fn host_uid(&mut self) -> u32 {
        self.container(|receipt| receipt.id_map.host_uid)
    }

    fn id_map(&mut self) -> String {
        self.container(|receipt| word(&receipt.id_map.kind))
    }

    fn capabilities(&mut self) -> Vec<String> {
        self.container(|receipt| receipt.capabilities.clone())
    }

    fn no_new_privs(&mut self) -> bool {
        self.container(|receipt| receipt.no_new_privs)
    }

    fn seccomp(&mut self) -> Vec<Pair> {
        let pair = |one: &model::SeccompReceipt| Pair { key: one.profile.clone(), value: one.digest.clone() };
        self.container(move |receipt| receipt.seccomp.iter().map(pair).collect())
    }

    fn landlock_abi(&mut self) -> Option<u32> {
        self.container(|receipt| receipt.landlock_abi)
    }

    fn cgroup_version(&mut self) -> String {
        self.container(|receipt| receipt.cgroup.version.clone())
    }

    fn cgroup_controllers(&mut self) -> Vec<String> {
        self.container(|receipt| receipt.cgroup.controllers.clone())
    }

    fn root_filesystem(&mut self) -> String {
        self.container(|receipt| receipt.root_filesystem.clone())
    }

    fn network(&mut self) -> String {
        self.container(|receipt| receipt.network.clone())
    }

    fn degraded(&mut self) -> Vec<String> {
        self.container(|receipt| receipt.degraded.clone())
    }

    fn json(&mut self, pointer: String) -> Option<String> {
        let view = self.witness.look();
        let receipt = view.container.as_deref();
        let document = self.documents.container.get_or_insert_with(|| json(&receipt));
        document::at(document, &pointer, || view.in_time()).filter(|_| receipt.is_some())
    }
}

impl outcome::Host for State {
    fn status(&mut self) -> String {
        self.ended(|job| word(&job.status))
    }

    fn cause(&mut self) -> Option<String> {
        self.ended(|job| job.cause.as_ref().map(|cause| cause.kind.clone()))
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.ended(|job| deciding(job)?.exit_code)
    }

    fn signal(&mut self) -> Option<String> {
        self.ended(|job| deciding(job)?.signal.clone())
    }

    fn wall_time_us(&mut self) -> u64 {
        self.ended(|job| job.steps.iter().map(|step| step.usage.wall_time_us).sum())
    }

    fn cpu_time_us(&mut self) -> u64 {
        self.ended(|job| job.steps.iter().filter_map(|step| step.usage.cpu_time_us).sum())
    }

    fn memory_peak_bytes(&mut self) -> u64 {
        self.ended(|job| job.steps.iter().filter_map(|step| step.usage.memory_peak_bytes).max().unwrap_or(0))
    }

    fn json(&mut self, pointer: String) -> Option<String> {
        let view = self.witness.look();
        let job = view.outcome.as_deref();
        let document = self.documents.outcome.get_or_insert_with(|| json(&job));
        document::at(document, &pointer, || view.in_time()).filter(|_| job.is_some())
    }
}

/// The step that decided the job: the first that did not succeed, else the last.
fn deciding(job: &model::Job) -> Option<&model::StepResult> {
    let failed = job.steps.iter().find(|step| step.status != model::Status::Succeeded);
    failed.or(job.steps.last())
}

/// A unit variant's name as it is serialised.
fn word(value: &impl serde::Serialize) -> String {
    json(value).as_str().unwrap_or_default().to_owned()
}

fn json(value: &impl serde::Serialize) -> Value {
    // Plain data with text keys: it cannot fail.
    serde_json::to_value(value).unwrap_or_default()
}
