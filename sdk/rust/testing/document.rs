use serde_json::{Map, Value, json};

use super::Job;
use crate::{Case, Limit};

/// The job as the document that policies see, without values of variables and contents of files.
pub(super) fn document(job: &Job) -> Value {
    let steps: Vec<Value> = job
        .steps
        .iter()
        .map(|step| {
            let limits: Map<String, Value> =
                step.limits.iter().map(|(limit, value)| number(*limit, *value)).collect();
            json!({
                "name": step.name, "command": step.command, "cases": step.cases.iter().map(case).collect::<Vec<_>>(), "workdir": step.workdir, "profile": step.profile,
                "env": step.env.keys().collect::<Vec<_>>(), "limits": limits,
            })
        })
        .collect();
    json!({
        "image": job.image, "steps": steps, "user": job.user, "labels": job.labels, "artifacts": job.artifacts,
        "require": job.requirements, "network": { "mode": job.network_mode, "hosts": job.network_hosts },
        "files": job.files.iter().map(|(path, contents)| json!({ "path": path, "bytes": contents.len() })).collect::<Vec<_>>(),
    })
}

fn case(case: &Case) -> Value {
    let checker = (!case.checker.is_empty()).then(|| json!({ "checker": { "command": case.checker } }));
    json!({ "name": case.name, "args": case.args, "expect": checker })
}

fn number(limit: Limit, value: u64) -> (String, Value) {
    let value = match limit {
        // Exact: the thousandths of a few thousand CPUs are far below 2^52.
        Limit::CpuMillis => json!(f64::from(u32::try_from(value).unwrap_or(u32::MAX)) / 1000.0),
        _ => json!(value),
    };
    (limit.name().into(), value)
}

/// The value at a JSON pointer, as text.
pub(super) fn at(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).filter(|value| !value.is_null()).map(ToString::to_string)
}
