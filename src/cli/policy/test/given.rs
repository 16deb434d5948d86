//! What hooks of a running job are given: all of a container and of an ended job, with the fields that a case names put
//! in.

use model::{CgroupReceipt, IdMapKind, IdMapReceipt, Job, JobId, Receipt, SeccompReceipt};
use serde_json::{Value, json};

/// A container as on a good host, with what the case says otherwise.
pub(crate) fn receipt(fields: &toml::Table) -> serde_json::Result<Receipt> {
    let words = |all: &[&str]| all.iter().map(ToString::to_string).collect();
    let good = Receipt {
        namespaces: words(&["user", "pid", "mount", "net", "ipc", "uts", "cgroup"]),
        id_map: IdMapReceipt { kind: IdMapKind::PerSlot, inside_uid: 1000, host_uid: 2_000_000_001 },
        capabilities: Vec::new(),
        no_new_privs: true,
        nested_user_namespaces: false,
        seccomp: vec![SeccompReceipt {
            profile: "default".into(),
            digest: format!("sha256:{}", "0".repeat(64)),
        }],
        landlock_abi: Some(7),
        cgroup: CgroupReceipt { version: "v2".into(), controllers: words(&["cpu", "memory", "pids"]) },
        root_filesystem: "host".into(),
        image: None,
        volumes: Vec::new(),
        network: "none".into(),
        swap: "off".into(),
        degraded: Vec::new(),
    };
    let mut all = serde_json::to_value(good)?;
    merge(&mut all, serde_json::to_value(fields)?);
    serde_json::from_value(all)
}

/// A job that has ended well, with what the case says otherwise.
pub(crate) fn job(outcome: &toml::Table, tenant: Option<&str>, receipt: &Receipt) -> serde_json::Result<Job> {
    let mut outcome = serde_json::to_value(outcome)?;
    let mut take =
        |field: &str| outcome.as_object_mut().and_then(|all| all.remove(field)).unwrap_or_default();
    let (exit_code, signal) = (take("exit_code"), take("signal"));
    let status = outcome.get("status").cloned().unwrap_or_else(|| "succeeded".into());
    let printed = json!({"text": "", "encoding": "utf-8", "bytes": 0, "truncated": false});
    let mut all = json!({
        "id": JobId::new(),
        "status": status,
        "tenant": tenant.unwrap_or("default"),
        "labels": {},
        "created_at": "2026-01-01T00:00:00Z",
        "started_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:00:01Z",
        "cause": null,
        "steps": [{
            "name": "run", "status": status, "exit_code": exit_code, "signal": signal, "cause": null,
            "stdout": printed, "stderr": printed,
            "usage": {"cpu_time_us": 1000, "wall_time_us": 2000, "memory_peak_bytes": 1_048_576},
        }],
        "artifacts": [],
        "isolation": receipt,
        "timing": {"admit_us": 0, "queue_us": 0, "setup_us": 0, "run_us": 2000, "collect_us": 0},
    });
    merge(&mut all, outcome);
    serde_json::from_value(all)
}

/// Objects field by field, everything else in place of what was there.
fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                merge(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_names_only_what_it_is_about() {
        let container = toml::toml! { landlock_abi = 3 };
        let receipt = receipt(&container).expect("the rest is given");
        assert_eq!((receipt.landlock_abi, receipt.network.as_str()), (Some(3), "none"));

        let outcome = toml::toml! {
            status = "failed"
            exit_code = 3
        };
        let job = job(&outcome, None, &receipt).expect("the rest is given");
        assert_eq!((job.status, job.steps[0].exit_code), (model::Status::Failed, Some(3)));
        assert_eq!(job.isolation, Some(receipt));
    }
}
