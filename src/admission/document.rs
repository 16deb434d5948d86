//! The job as one JSON document, shaped like the request it came from. Secrets are not in it: values of environment
//! variables, stdin and contents of files stay out.

use std::io::{self, ErrorKind, Write};

use model::{CaseSpec, JobSpec, Judge, StepSpec};
use serde_json::{Value, json};

use crate::About;

pub fn document(spec: &JobSpec, about: &About) -> Value {
    made(spec, about, &|| true)
}

/// What there was time for: a job can have millions of words.
pub(crate) fn made(spec: &JobSpec, about: &About, in_time: &dyn Fn() -> bool) -> Value {
    let steps = spec.steps.iter().take_while(|_| in_time());
    let mut document = json!({
        "id": about.id,
        "tenant": about.tenant,
        "submitter": about.submitter,
        "image": spec.image,
        "image_digest": spec.image_digest,
        "volumes": spec.volumes.iter().map(|volume| json!({
            "name": volume.name, "path": volume.path, "read_only": volume.read_only,
        })).collect::<Vec<_>>(),
        "steps": null,
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
    });
    // Put in as it is: the macro would copy it.
    document["steps"] = steps.map(|one| step(one, in_time)).collect();
    document
}

fn step(step: &StepSpec, in_time: &dyn Fn() -> bool) -> Value {
    let cases = step.cases.iter().take_while(|_| in_time());
    let command = step.command.iter().take_while(|_| in_time());
    let mut document = json!({
        "name": step.name,
        "command": null,
        "env_names": step.env.keys().collect::<Vec<_>>(),
        "limits": step.limits,
        "workdir": step.workdir,
        "profile": step.profile,
        "stdin_bytes": step.stdin.len(),
        "cases": null,
        "parallel": step.parallel,
    });
    document["command"] = command.map(String::as_str).collect();
    document["cases"] = cases.map(case).collect();
    document
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

/// RFC 6901; `None` where there is nothing, or no time for it.
pub(crate) fn at(document: &Value, pointer: &str, in_time: impl Fn() -> bool) -> Option<String> {
    let found = document.pointer(pointer)?;
    let mut text = Text { bytes: Vec::new(), next: 0, in_time };
    serde_json::to_writer(&mut text, found).ok()?;
    String::from_utf8(text.bytes).ok()
}

/// Looks at the time once for so many bytes.
const PIECE: usize = 64 << 10;

struct Text<F> {
    bytes: Vec<u8>,
    next: usize,
    in_time: F,
}

impl<F: Fn() -> bool> Write for Text<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() >= self.next {
            if !(self.in_time)() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.next = self.bytes.len() + PIECE;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
