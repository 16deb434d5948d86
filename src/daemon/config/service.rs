//! What the service keeps, and how much of the host it promises to jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use api::{Allow, tokens};
use journal::{Durability, Retention, TenantRetention};
use schedule::{Capacity, Quota, Quotas};

use super::at_least_one;
use crate::machine::Machine;
use crate::settings::{ConfigError, RetentionSettings, Settings, TenantSettings};

/// Below this not even one small job fits.
const LEAST_MEMORY: u64 = 16 << 20;
const MAX_WEIGHT: u32 = 1000;
pub(super) const CPU_OVERCOMMIT: f64 = 2.0;

#[derive(Clone, Debug)]
pub struct Service {
    pub capacity: Capacity,
    pub quotas: Quotas,
    pub retention: Retention,
    pub durability: Durability,
    pub callback_allow: Vec<Allow>,
    pub max_blob_bytes: u64,
}

impl Service {
    pub(super) fn resolve(settings: &Settings, machine: &Machine) -> Result<Self, ConfigError> {
        Ok(Self {
            capacity: capacity(settings, machine)?,
            quotas: quotas(settings)?,
            retention: retention(&settings.retention, &settings.tenants),
            durability: durability(settings.durability.as_deref())?,
            callback_allow: callback_allow(settings.callback_allow.as_deref().unwrap_or_default())?,
            max_blob_bytes: settings.max_blob_bytes.unwrap_or(1 << 30),
        })
    }
}

fn capacity(settings: &Settings, machine: &Machine) -> Result<Capacity, ConfigError> {
    Ok(Capacity {
        slots: at_least_one("max_running", settings.max_running.unwrap_or(machine.max_running()))?,
        memory_bytes: memory(settings.memory_bytes, machine)?,
        cpu_millis: cpu_millis(settings.cpu_overcommit.unwrap_or(CPU_OVERCOMMIT), machine)?,
        max_queued: settings.max_queued.unwrap_or(256),
    })
}

/// A fifth is for the host itself, this process and the page cache.
fn memory(asked: Option<u64>, machine: &Machine) -> Result<u64, ConfigError> {
    let (most, hint) = (machine.memory_bytes, "leave it out for 80 % of the machine's");
    match asked {
        None => Ok(most / 5 * 4),
        Some(memory) if memory < LEAST_MEMORY => {
            Err(ConfigError::setting("memory_bytes", format!("at least {LEAST_MEMORY}"), hint))
        }
        Some(memory) if memory > most => {
            let detail = format!("more than the {most} bytes that this machine has");
            Err(ConfigError::setting("memory_bytes", detail, hint))
        }
        Some(memory) => Ok(memory),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most 64 times the CPUs there are"
)]
fn cpu_millis(overcommit: f64, machine: &Machine) -> Result<u64, ConfigError> {
    if !(0.1..=64.0).contains(&overcommit) {
        return Err(ConfigError::setting("cpu_overcommit", "from 0.1 to 64", "leave it out for 2"));
    }
    Ok((f64::from(machine.cpus) * 1000.0 * overcommit) as u64)
}

fn quotas(settings: &Settings) -> Result<Quotas, ConfigError> {
    let mut tenants = BTreeMap::new();
    for (name, tenant) in &settings.tenants {
        let key = format!("tenants.{name}");
        if let Some(fault) = tokens::tenant_fault(name) {
            let detail = format!("no tenant can have that name: {fault}");
            return Err(ConfigError::setting(&key, detail, "name it as its tokens do"));
        }
        tenants.insert(name.clone(), quota(&key, tenant)?);
    }
    Ok(Quotas { default: quota("tenant_defaults", &settings.tenant_defaults)?, tenants })
}

fn quota(key: &str, tenant: &TenantSettings) -> Result<Quota, ConfigError> {
    let least = |name: &str, value: Option<u32>| match value {
        Some(0) => Err(ConfigError::setting(
            &format!("{key}.{name}"),
            "must be at least 1",
            "leave it out for no limit",
        )),
        value => Ok(value),
    };
    let weight = tenant.weight.unwrap_or(1);
    if !(1..=MAX_WEIGHT).contains(&weight) {
        let detail = format!("from 1 to {MAX_WEIGHT}");
        return Err(ConfigError::setting(&format!("{key}.weight"), detail, "leave it out for 1"));
    }
    Ok(Quota {
        max_running: least("max_running", tenant.max_running)?,
        max_queued: tenant.max_queued,
        max_per_minute: least("max_per_minute", tenant.max_per_minute)?,
        weight,
    })
}

fn retention(settings: &RetentionSettings, tenants: &BTreeMap<String, TenantSettings>) -> Retention {
    let defaults = Retention::default();
    let own = |tenant: &TenantSettings| TenantRetention {
        max_age: tenant.retention_max_age_s.map(Duration::from_secs),
        max_bytes: tenant.retention_max_bytes,
        max_blob_bytes: tenant.retention_max_blob_bytes,
    };
    Retention {
        max_age: settings.max_age_s.map_or(defaults.max_age, |age| Some(Duration::from_secs(age))),
        max_bytes: settings.max_bytes.unwrap_or(defaults.max_bytes),
        max_blob_bytes: settings.max_blob_bytes.unwrap_or(defaults.max_blob_bytes),
        per_tenant: tenants.iter().map(|(name, tenant)| (name.clone(), own(tenant))).collect(),
        blob_grace: settings.blob_grace_s.map_or(defaults.blob_grace, Duration::from_secs),
        keep_free_bytes: settings.keep_free_bytes.unwrap_or(defaults.keep_free_bytes),
    }
}

fn durability(text: Option<&str>) -> Result<Durability, ConfigError> {
    match text {
        None | Some("process") => Ok(Durability::Process),
        Some("power") => Ok(Durability::Power),
        Some(other) => {
            let hint = "`process`: jobs survive the end of the daemon; `power`: and of the machine, slower";
            Err(ConfigError::setting("durability", format!("`{other}` is no such word"), hint))
        }
    }
}

fn callback_allow(texts: &[String]) -> Result<Vec<Allow>, ConfigError> {
    let allow = |text: &String| {
        let hint =
            "write a network or an address, with or without a port, as `10.0.0.0/8` or `127.0.0.1:9000`";
        text.parse()
            .map_err(|error: api::AllowError| ConfigError::setting("callback_allow", error.to_string(), hint))
    };
    texts.iter().map(allow).collect()
}
