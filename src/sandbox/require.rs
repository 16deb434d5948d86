//! `require`, and the layers that every job gets unless the operator allowed them to be missing.

use std::collections::BTreeSet;

use crate::host::HostCaps;
use crate::plan::PlanError;

/// Layers that a host may lack and an operator may allow to be missing, by name.
pub const DEGRADABLE: [&str; 6] =
    ["cgroup", "cgroup.memory", "cgroup.pids", "cgroup.cpu", "cgroup.swap", "landlock"];

const CGROUP_REMEDY: &str =
    "delegate cgroups to this user (`stockade doctor --print-setup`), or start with `--allow-degraded=";

/// The missing layers that were allowed to be; an error for the first that was not.
pub(crate) fn missing_layers(host: &HostCaps, allowed: &BTreeSet<String>) -> Result<Vec<String>, PlanError> {
    let mut missing = Vec::new();
    if host.cgroup.version == "none" {
        missing.push("cgroup");
    } else {
        missing.extend(DEGRADABLE.iter().filter(|layer| {
            layer
                .strip_prefix("cgroup.")
                .is_some_and(|name| !host.cgroup.controllers.iter().any(|c| c == name))
        }));
    }
    if host.landlock_abi.is_none() {
        missing.push("landlock");
    }
    match missing.iter().find(|layer| !allowed.contains(**layer)) {
        Some(layer) => Err(refusal(layer)),
        None => Ok(missing.into_iter().map(String::from).collect()),
    }
}

fn refusal(layer: &str) -> PlanError {
    let remedy = match layer {
        "landlock" => {
            "boot a kernel with CONFIG_SECURITY_LANDLOCK=y and `landlock` in its `lsm=` list, or start with \
                       `--allow-degraded=landlock`"
                .into()
        }
        _ => format!("{CGROUP_REMEDY}{layer}`"),
    };
    PlanError {
        layer: layer.into(),
        detail: "every job gets this layer and this host cannot enforce it".into(),
        remedy,
        require_index: None,
    }
}

/// Each requirement must be a layer that is in force; `landlock>=N` names the least ABI.
pub(crate) fn check(require: &[String], host: &HostCaps, degraded: &[String]) -> Result<(), PlanError> {
    for (index, name) in require.iter().enumerate() {
        let known = known_layer(name, host);
        if known == Some(true) && !degraded.contains(name) {
            continue;
        }
        let (detail, remedy) = match known {
            None => ("not a layer that Stockade knows", "see `GET /capabilities` for the names"),
            Some(_) => {
                ("required by the job and not in force on this host", "run the job on a host that has it")
            }
        };
        let (detail, remedy) = (detail.into(), remedy.into());
        return Err(PlanError { layer: name.clone(), detail, remedy, require_index: Some(index) });
    }
    Ok(())
}

/// Whether the host has it; `None` for a name that nobody knows.
fn known_layer(name: &str, host: &HostCaps) -> Option<bool> {
    if let Some(least) = name.strip_prefix("landlock>=") {
        let least: u32 = least.parse().ok()?;
        return Some(host.landlock_abi.is_some_and(|abi| abi >= least));
    }
    if let Some(controller @ ("memory" | "pids" | "cpu" | "swap")) = name.strip_prefix("cgroup.") {
        return Some(host.cgroup.controllers.iter().any(|c| c == controller));
    }
    Some(match name {
        "cgroup" => host.cgroup.version != "none",
        "cgroup.kill" => host.cgroup.kill,
        "cgroup.freeze" => host.cgroup.freeze,
        "cgroup.v2" => host.cgroup.version == "v2",
        "id_map.per_slot" => host.id_map == model::IdMapKind::PerSlot,
        "overlay" => host.overlay,
        "landlock" => host.landlock_abi.is_some(),
        "seccomp" | "no_new_privs" | "namespaces" | "capabilities.none" | "network.none" => true,
        _ => return None,
    })
}
