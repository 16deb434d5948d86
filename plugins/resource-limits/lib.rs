#![cfg_attr(target_arch = "wasm32", no_std)]
#![doc = include_str!("README.md")]

mod settings;
#[cfg(test)]
mod tests;

use stockade_policy::patch;
use stockade_policy::prelude::*;

use settings::Limits;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceLimits {
    #[serde(default)]
    max: Limits,
    #[serde(default)]
    tenants: BTreeMap<String, Limits>,
    #[serde(default)]
    on_excess: OnExcess,
}

/// What happens to a job that asks for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnExcess {
    #[default]
    Lower,
    Deny,
}

impl Policy for ResourceLimits {
    fn check(&self) -> Vec<SettingsError> {
        let mut errors = self.max.check("/max");
        for (tenant, limits) in &self.tenants {
            errors.extend(limits.check(&stockade_policy::fmt::pointer(&["tenants", tenant])));
        }
        if self.max.all().next().is_none()
            && self.tenants.values().all(|limits| limits.all().next().is_none())
        {
            errors.push(SettingsError::new(
                "/max",
                "limits nothing: give at least one limit here or for a tenant",
            ));
        }
        errors
    }
}

impl ResourceLimits {
    /// A tenant's own figure counts in place of the general one.
    fn caps(&self, tenant: &str) -> Vec<(Limit, u64)> {
        let own = self.tenants.get(tenant);
        let cap = |limit| own.and_then(|own| own.get(limit)).or_else(|| self.max.get(limit));
        Limit::ALL.into_iter().filter_map(|limit| Some((limit, cap(limit)?))).collect()
    }
}

impl Mutate for ResourceLimits {
    fn mutate(&self, job: &Job) -> Verdict {
        let mut notes = Notes::new();
        if self.on_excess == OnExcess::Deny {
            return Ok(notes);
        }
        for (limit, cap) in self.caps(&job.tenant()) {
            let asked = job.limit(limit);
            if asked > cap {
                patch::set_limit(limit, cap)?;
                notes =
                    notes.warning(format!("{limit} lowered from {asked} to {cap}{}", settings::unit(limit)));
            }
        }
        Ok(notes)
    }
}

impl Validate for ResourceLimits {
    /// Also where this policy has lowered the job: another one may have raised it since.
    fn validate(&self, job: &Job) -> Verdict {
        for (limit, cap) in self.caps(&job.tenant()) {
            if job.limit(limit) > cap {
                return Err(too_large(job, limit, cap));
            }
        }
        Ok(Notes::default())
    }
}

fn too_large(job: &Job, limit: Limit, cap: u64) -> Denial {
    let unit = settings::unit(limit);
    if limit == Limit::DiskBytes {
        let message = format!("disk_bytes {} is above the {cap} of this server", job.limit(limit));
        return Denial::new("limit-too-large", message).field("/limits/disk_bytes");
    }
    let found = job
        .steps()
        .find_map(|step| step.limit(limit).filter(|asked| *asked > cap).map(|asked| (step, asked)));
    let Some((step, asked)) = found else {
        return Denial::new("limit-too-large", format!("{limit} is above the {cap}{unit} of this server"));
    };
    let message = format!("step `{}`: {limit} {asked} is above the {cap}{unit} of this server", step.name());
    Denial::new("limit-too-large", message).field(step.pointer(&format!("/limits/{limit}")))
}

stockade_policy::export!(ResourceLimits: mutation, validation);
stockade_policy::no_std!();
