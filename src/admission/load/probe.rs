//! A policy's first instance: what is wrong with it must not wait for the first job.

use std::sync::Arc;

use model::{Failure, Hook, JobId, JobSpec};

use super::{Loader, REBUILD, Refusal, refuse};
use crate::About;
use crate::ahead::Sample;
use crate::bindings::configuration;
use crate::call::Broken;
use crate::draft::Draft;
use crate::host::{State, cut, line};
use crate::policy::Policy;
use crate::witness::View;

impl Loader<'_> {
    /// Makes one, and has the settings checked.
    pub(super) fn probe(&self, policy: &Arc<Policy>) -> Result<Sample, Refusal> {
        let Some(_place) = self.core.place() else {
            return refuse("start", "all places for policy calls are taken", "try again shortly");
        };
        let about = Arc::new(About::local(JobId::new()));
        let draft = || Draft::new(Arc::new(no_job()));
        let state = || State::new(View::new(policy, &about, Hook::Validation, draft()));
        let caller = self.core.patient();
        let probed = caller.call(policy, state(), |store, _| Ok(store.data().has_asked));
        let asks_the_host = probed.answer.map_err(|broken| does_not_start(&broken))?;
        let seen = Sample { asks_the_host, bytes: probed.memory };
        if let Ok(at) = configuration::HookConfigurationIndices::new(&policy.pre) {
            let called = caller.call(policy, state(), |store, entries| {
                let settings = Arc::clone(&policy.settings);
                at.load(&mut *store, &entries.instance)?
                    .stockade_policy_configuration()
                    .call_validate_settings(store, &settings)
            });
            settings_answer(called.answer)?;
        } else if &*policy.settings != "{}" {
            return refuse(
                "settings-refused",
                "it has settings in the bundle and takes none",
                "leave `settings` out, or export `configuration` from the policy",
            );
        }
        Ok(seen)
    }
}

fn does_not_start(Broken { failure, detail }: &Broken) -> Refusal {
    let remedy = match failure {
        Failure::Memory | Failure::Timeout => "give it more `memory_bytes` or `timeout_ms`",
        _ => REBUILD,
    };
    let detail = format!("it does not start ({}): {detail}", failure.word());
    Refusal::new("start", detail, remedy.into())
}

type SettingsAnswer =
    Result<Result<(), Vec<configuration::exports::stockade::policy::configuration::SettingsError>>, Broken>;

fn settings_answer(answer: SettingsAnswer) -> Result<(), Refusal> {
    match answer {
        Ok(Ok(())) => Ok(()),
        Ok(Err(errors)) => {
            let one = |e: &configuration::exports::stockade::policy::configuration::SettingsError| {
                let pointer = if e.pointer.is_empty() { "settings" } else { &e.pointer };
                format!("{}: {}", line(pointer.to_owned(), 256), line(e.message.clone(), 1024))
            };
            let all: Vec<String> = errors.iter().take(16).map(one).collect();
            let detail = format!("settings refused: {}", all.join("; "));
            let remedy = "`stockade policy inspect` shows which settings it takes";
            let first = errors.into_iter().next().map(|error| cut(error.pointer, 256));
            Err(Refusal("settings-refused", detail, remedy.into(), first))
        }
        Err(broken) => refuse(
            "settings-refused",
            format!("checking its settings failed ({}): {}", broken.failure.word(), broken.detail),
            "mend the policy; it must answer to any JSON",
        ),
    }
}

/// What a policy sees that looks at the job where there is none.
pub(crate) fn no_job() -> JobSpec {
    JobSpec {
        image: "host".into(),
        image_digest: None,
        volumes: Vec::new(),
        group: 0,
        files: Vec::new(),
        steps: Vec::new(),
        disk_bytes: 0,
        on_output_limit: model::OnOutputLimit::Truncate,
        network: model::Network::default(),
        artifacts: Vec::new(),
        user: 0,
        labels: std::collections::BTreeMap::new(),
        require: Vec::new(),
        priority: 0,
        max_attempts: 1,
        queue_timeout_ms: None,
        commit: None,
        callback: None,
        tty: false,
    }
}
