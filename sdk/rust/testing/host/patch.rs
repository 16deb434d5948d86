use serde::Deserialize;

use crate::Limit;
use crate::patch::Reason;
use crate::testing::fake::{Call, Hook, with};
use crate::testing::{Job, Patch};

type Changed = Result<(), Reason>;

/// Makes a change by the contract's rules, and notes it where it changed something. `change` answers whether it loosens.
fn change(what: &str, value: String, change: impl FnOnce(&mut Job) -> Result<Effect, Reason>) -> Changed {
    with(|call: &mut Call| {
        if call.hook != Hook::Mutation {
            return Err(Reason::NotNow);
        }
        let mut job = call.job.clone();
        match change(&mut job)? {
            Effect::Nothing => return Ok(()),
            _ if call.job.owned.contains(what) => return Err(Reason::Conflict),
            Effect::Loosens if !call.job.may_loosen => return Err(Reason::LoosensIsolation),
            Effect::Loosens | Effect::Tightens => {}
        }
        call.job = job;
        call.patches.push(Patch::new(what, value));
        Ok(())
    })
}

enum Effect {
    Nothing,
    Tightens,
    Loosens,
}

fn limit(what: &str, limit: Limit, value: u64) -> Changed {
    change(what, value.to_string(), |job| {
        if value == 0 {
            return Err(Reason::InvalidValue);
        }
        let before: Vec<u64> = job.steps.iter().filter_map(|step| step.limits.get(&limit).copied()).collect();
        let largest = before.iter().max().copied().unwrap_or(0);
        for step in &mut job.steps {
            let old = step.limits.entry(limit).or_insert(value);
            *old = if value > largest { value } else { value.min(*old) };
        }
        Ok(match value.cmp(&largest) {
            std::cmp::Ordering::Less => Effect::Tightens,
            std::cmp::Ordering::Equal => Effect::Nothing,
            std::cmp::Ordering::Greater => Effect::Loosens,
        })
    })
}

macro_rules! limits {
    ($($function:ident: $name:literal: $limit:ident),+ $(,)?) => {
        $(pub(crate) fn $function(value: u64) -> Changed {
            limit($name, Limit::$limit, value)
        })+
    };
}
limits! {
    set_cpu_time_ms: "cpu-time-ms": CpuTimeMs,
    set_wall_time_ms: "wall-time-ms": WallTimeMs,
    set_memory_bytes: "memory-bytes": MemoryBytes,
    set_pids: "pids": Pids,
    set_output_bytes: "output-bytes": OutputBytes,
    set_disk_bytes: "disk-bytes": DiskBytes,
    set_open_files: "open-files": OpenFiles,
    set_file_bytes: "file-bytes": FileBytes,
    set_stack_bytes: "stack-bytes": StackBytes,
    set_cpu_millis: "cpu-millis": CpuMillis,
}

pub(crate) fn set_step_limit(step: u32, name: &str, value: u64) -> Changed {
    change("step-limit", format!("{step} {name} {value}"), |job| {
        let limit = Limit::ALL.into_iter().find(|limit| limit.name() == name && *limit != Limit::DiskBytes);
        let (Some(limit), Some(step)) = (limit, job.steps.get_mut(step as usize)) else {
            return Err(Reason::NoSuchField);
        };
        let old = step.limits.insert(limit, value).unwrap_or(0);
        Ok(match value.cmp(&old) {
            std::cmp::Ordering::Less => Effect::Tightens,
            std::cmp::Ordering::Equal => Effect::Nothing,
            std::cmp::Ordering::Greater => Effect::Loosens,
        })
    })
}

pub(crate) fn set_env(name: &str, value: &str) -> Changed {
    change("env", format!("{name}={value}"), |job| {
        let mut effect = Effect::Nothing;
        for step in &mut job.steps {
            if step.env.insert(name.into(), value.into()).as_deref() != Some(value) {
                effect = Effect::Tightens;
            }
        }
        Ok(effect)
    })
}

pub(crate) fn remove_env(name: &str) -> Changed {
    change("remove-env", name.into(), |job| {
        let had = job.steps.iter_mut().filter_map(|step| step.env.remove(name)).count();
        Ok(if had == 0 { Effect::Nothing } else { Effect::Tightens })
    })
}

pub(crate) fn set_label(key: &str, value: &str) -> Changed {
    change("label", format!("{key}={value}"), |job| {
        let same = job.labels.insert(key.into(), value.into()).as_deref() == Some(value);
        Ok(if same { Effect::Nothing } else { Effect::Tightens })
    })
}

pub(crate) fn remove_label(key: &str) -> Changed {
    change("remove-label", key.into(), |job| {
        Ok(if job.labels.remove(key).is_none() { Effect::Nothing } else { Effect::Tightens })
    })
}

pub(crate) fn set_profile(name: &str) -> Changed {
    let rank = |profile: &str| ["strict", "default", "build"].iter().position(|known| *known == profile);
    change("profile", name.into(), |job| {
        let mut effect = Effect::Nothing;
        for step in job.steps.iter_mut().filter(|step| step.profile != name) {
            let tighter = matches!((rank(name), rank(&step.profile)), (Some(new), Some(old)) if new < old);
            effect = if tighter && !matches!(effect, Effect::Loosens) {
                Effect::Tightens
            } else {
                Effect::Loosens
            };
            step.profile = name.into();
        }
        Ok(effect)
    })
}

pub(crate) fn add_requirement(layer: &str) -> Changed {
    change("requirement", layer.into(), |job| {
        if job.requirements.iter().any(|known| known == layer) {
            return Ok(Effect::Nothing);
        }
        job.requirements.push(layer.into());
        Ok(Effect::Tightens)
    })
}

pub(crate) fn deny_network() -> Changed {
    change("deny-network", String::new(), |job| {
        if job.network_mode == "none" {
            return Ok(Effect::Nothing);
        }
        job.network_mode = "none".into();
        job.network_hosts.clear();
        Ok(Effect::Tightens)
    })
}

/// One operation of a JSON Patch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    op: String,
    path: String,
    #[serde(default)]
    value: serde_json::Value,
}

/// By way of the typed changes; what none of them can do is no field that policies may change.
pub(crate) fn json_op(operation: &str) -> Changed {
    let Operation { op, path, value } = serde_json::from_str(operation).map_err(|_| Reason::InvalidValue)?;
    let parts: Vec<String> =
        path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let text = || value.as_str().ok_or(Reason::InvalidValue);
    match (op.as_str(), parts.as_slice()) {
        ("add" | "replace", ["labels", key]) => set_label(key, text()?),
        ("remove", ["labels", key]) => remove_label(key),
        ("add" | "replace", ["steps", step, "limits", name]) => {
            let step = step.parse().map_err(|_| Reason::NoSuchField)?;
            let value = if *name == "cpus" { millis(&value) } else { value.as_u64() };
            set_step_limit(step, name, value.ok_or(Reason::InvalidValue)?)
        }
        ("add", ["require", "-"]) => add_requirement(text()?),
        _ => Err(Reason::NoSuchField),
    }
}

/// CPUs, a number with a fraction, in thousandths.
fn millis(value: &serde_json::Value) -> Option<u64> {
    let text = format!("{:.0}", value.as_f64()? * 1000.0);
    text.parse().ok()
}
