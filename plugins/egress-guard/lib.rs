#![cfg_attr(target_arch = "wasm32", no_std)]
#![doc = include_str!("README.md")]

mod endpoint;
#[cfg(test)]
mod tests;

use stockade_policy::fmt::{cut, pointer};
use stockade_policy::prelude::*;

use endpoint::Endpoint;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct EgressGuard {
    hosts: Vec<String>,
    #[serde(default)]
    tenants: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    forbidden: Vec<String>,
    #[serde(default)]
    allow_full: bool,
}

impl Policy for EgressGuard {
    fn check(&self) -> Vec<SettingsError> {
        let mut errors = Vec::new();
        check_rules(&pointer(&["hosts"]), &self.hosts, &mut errors);
        check_rules(&pointer(&["forbidden"]), &self.forbidden, &mut errors);
        for (tenant, rules) in &self.tenants {
            check_rules(&pointer(&["tenants", tenant]), rules, &mut errors);
        }
        errors
    }
}

fn check_rules(at: &str, rules: &[String], errors: &mut Vec<SettingsError>) {
    for (i, rule) in rules.iter().enumerate() {
        if let Err(message) = endpoint::check_rule(rule) {
            errors.push(SettingsError::new(format!("{at}/{i}"), message));
        }
    }
}

impl EgressGuard {
    fn judge(&self, tenant: &str, to: &Endpoint<'_>) -> Result<(), Denial> {
        let shown = || cut(to.text, 256).to_owned();
        if self.forbidden.iter().any(|rule| to.matches(rule)) {
            return Err(Denial::new(
                "host-forbidden",
                format!("connections to `{}` are forbidden here", shown()),
            ));
        }
        let of_tenant = self.tenants.get(tenant);
        if self.hosts.iter().chain(of_tenant.into_iter().flatten()).any(|rule| to.matches(rule)) {
            return Ok(());
        }
        Err(Denial::new("host-not-allowed", format!("`{}` is not on the list of allowed hosts", shown())))
    }
}

impl Validate for EgressGuard {
    fn validate(&self, job: &Job) -> Verdict {
        match job.network_mode().as_str() {
            "none" => return Ok(Notes::default()),
            "allow" => {}
            "full" if self.allow_full => return Ok(Notes::default()),
            mode => {
                let message = format!("network mode `{}` is not allowed here; name the hosts", cut(mode, 64));
                return Err(Denial::new("network-mode-not-allowed", message).field("/network/mode"));
            }
        }
        let tenant = job.tenant();
        for (i, host) in job.network_hosts().iter().enumerate() {
            self.judge(&tenant, &Endpoint::parse(host))
                .map_err(|no| no.field(format!("/network/hosts/{i}")))?;
        }
        Ok(Notes::default())
    }
}

impl Connection for EgressGuard {
    fn connect(&self, job: &Job, host: &str, port: u16) -> Verdict {
        // What `validate` let through by mode must not be stopped here host by host; what is forbidden stays so.
        let to = Endpoint::new(host, port);
        match self.judge(&job.tenant(), &to) {
            Err(no) if no.code() == "host-not-allowed" && self.allow_full && job.network_mode() == "full" => {
                Ok(Notes::default())
            }
            Err(no) => Err(no),
            Ok(()) => Ok(Notes::default()),
        }
    }
}

stockade_policy::export!(EgressGuard: validation, connection);
stockade_policy::no_std!();
