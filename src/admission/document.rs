//! The job as one JSON document, shaped like the request it came from. Secrets are not in it: values of environment
//! variables, stdin and contents of files stay out.

use model::{CaseSpec, JobSpec, Judge, StepSpec};
use serde_json::{Value, json};

use crate::About;

pub fn document(spec: &JobSpec, about: &About) -> Value {
    json!({
        "id": about.id,
        "tenant": about.tenant,
        "submitter": about.submitter,
        "image": spec.image,
        "image_digest": spec.image_digest,
        "volumes": spec.volumes.iter().map(|volume| json!({
            "name": volume.name, "path": volume.path, "read_only": volume.read_only,
        })).collect::<Vec<_>>(),
        "steps": spec.steps.iter().map(step).collect::<Vec<_>>(),
        "limits": { "disk_bytes": spec.disk_bytes },
        "files": spec.files.iter().map(|file| json!({
            "path": file.path,
            "bytes": file.contents.len(),
            "mode": format!("{:04o}", file.mode),
        })).collect::<Vec<_>>(),
        "on_output_limit": spec.on_output_limit,
        "network": spec.network,
        "artifacts": spec.artifacts,
        "user": spec.user.to_string(),
        "group": spec.group.to_string(),
        "labels": spec.labels,
        "require": spec.require,
        "priority": spec.priority,
        "retry": { "max_attempts": spec.max_attempts },
        "queue_timeout_ms": spec.queue_timeout_ms,
        "commit": spec.commit.as_ref().map(|commit| json!({ "image": commit.image, "workspace": commit.workspace })),
        "callback": spec.callback.as_ref().map(|callback| json!({ "url": callback.url })),
        "tty": spec.tty,
    })
}

fn step(step: &StepSpec) -> Value {
    json!({
        "name": step.name,
        "command": step.command,
        "env_names": step.env.keys().collect::<Vec<_>>(),
        "limits": step.limits,
        "workdir": step.workdir,
        "profile": step.profile,
        "stdin_bytes": step.stdin.len(),
        "cases": step.cases.iter().map(case).collect::<Vec<_>>(),
        "parallel": step.parallel,
    })
}

fn case(case: &CaseSpec) -> Value {
    let expect = case.expect.as_ref().map(|expect| match &expect.by {
        Judge::Checker { command, .. } => json!({ "checker": { "command": command } }),
        Judge::Compare { how, .. } => json!({ "compare": how }),
    });
    json!({
        "name": case.name,
        "args": case.args,
        "env_names": case.env.keys().collect::<Vec<_>>(),
        "limits": case.limits,
        "stdin_bytes": case.stdin.as_ref().map(|stdin| stdin.len()),
        "expect": expect,
    })
}

/// RFC 6901; `None` where there is nothing.
pub(crate) fn at(document: &Value, pointer: &str) -> Option<String> {
    document.pointer(pointer).map(Value::to_string)
}

#[cfg(test)]
mod tests;
