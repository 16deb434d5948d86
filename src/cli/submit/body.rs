//! From the command line to the body of `POST /jobs`. What is wrong with the job is the server's to say.

use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Input;
use serde_json::{Map, Value};

use super::SubmitArgs;
use crate::output::Failure;
use crate::request::job_request;

pub(super) fn body(args: &SubmitArgs) -> Result<Value, Failure> {
    let mut job = match &args.from {
        Some(file) => read(file)?,
        None => typed(args)?,
    };
    if !args.label.is_empty() {
        let labels = job.entry("labels").or_insert_with(|| Map::new().into());
        // Anything else than an object is refused by the server, in its words.
        if let Value::Object(labels) = labels {
            labels.extend(args.label.iter().map(|(key, value)| (key.clone(), value.clone().into())));
        }
    }
    if let Some(priority) = args.priority {
        job.insert("priority".into(), priority.into());
    }
    Ok(Value::Object(job))
}

fn typed(args: &SubmitArgs) -> Result<Map<String, Value>, Failure> {
    let mut request = job_request(&args.job, &args.command, |name| env::var(name).ok())?;
    if args.interactive {
        let mut stdin = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut stdin)
            .map_err(|error| Failure::caused("cannot read stdin", &error))?;
        request.stdin = Some(Input { base64: Some(STANDARD.encode(stdin)), ..Input::default() });
    }
    match serde_json::to_value(&request) {
        Ok(Value::Object(job)) => Ok(job),
        Ok(_) => unreachable!("a request is an object"),
        Err(error) => Err(Failure::caused("cannot write the job", &error)),
    }
}

fn read(file: &Path) -> Result<Map<String, Value>, Failure> {
    let stdin = file == Path::new("-");
    let name = if stdin { "stdin".into() } else { file.display().to_string() };
    let bytes = if stdin {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    let bytes = bytes.map_err(|error| {
        Failure::caused(&name, &error).hint("name a file that this user can read, or `-` for stdin")
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("{name}:{}:{}", error.line(), error.column());
        Failure::caused(&place, &error).hint("it holds one JSON object, as `POST /jobs` takes it")
    })
}

/// How many cases each step has.
pub(super) fn cases(job: &Value) -> Vec<u64> {
    let steps = job["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    steps.iter().map(|step| step["cases"].as_array().map_or(0, Vec::len) as u64).collect()
}
