//! From the command line to a job, by the same checks that a request over HTTP passes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{FieldError, FileRequest, HostPolicy, Image, JobRequest, JobSpec, LimitsRequest, Network};

use crate::args::{JobArgs, NetworkMode, RunArgs, Ulimit};
use crate::output::Failure;

/// The job that `args` ask for. `variable` looks up this process's environment, for `-e NAME`.
pub(crate) fn job_request(
    args: &JobArgs,
    command: &[String],
    variable: impl Fn(&str) -> Option<String>,
) -> Result<JobRequest, Failure> {
    let NetworkMode::None = args.network;
    Ok(JobRequest {
        image: args.image.clone(),
        command: (!command.is_empty()).then(|| command.to_vec()),
        files: args.file.iter().map(|file| read_file(file)).collect::<Result<_, _>>()?,
        env: environment(&args.env, variable),
        limits: limits(args),
        network: Network::default(),
        volumes: args.volume.clone(),
        commit: args.commit.clone(),
        profile: args.profile.clone(),
        user: args.user.clone(),
        workdir: args.workdir.clone(),
        require: args.require.clone(),
        ..JobRequest::default()
    })
}

/// The checked job; every complaint is in the failure, under the name of the option it is about.
pub(crate) fn check(
    request: JobRequest,
    args: &RunArgs,
    host: &HostPolicy,
    image: Option<&Image>,
) -> Result<JobSpec, Failure> {
    let spec = request.check_over(host, image).map_err(|errors| refusal(&errors))?;
    Ok(JobSpec { tty: args.tty, ..spec })
}

fn limits(args: &JobArgs) -> LimitsRequest {
    // As in Docker, the last one of a name counts.
    let ulimit = |which| args.ulimit.iter().rev().find(|(name, _)| *name == which).map(|(_, value)| *value);
    LimitsRequest {
        cpu_time_ms: args.cpu_time,
        wall_time_ms: args.wall,
        memory_bytes: args.memory,
        pids: args.pids_limit,
        output_bytes: args.output_limit,
        disk_bytes: args.disk,
        open_files: ulimit(Ulimit::OpenFiles),
        file_bytes: ulimit(Ulimit::FileBytes),
        stack_bytes: ulimit(Ulimit::StackBytes),
        cpus: args.cpus,
    }
}

/// As Docker does: a name without a value that is not set here is not set there either.
fn environment(given: &[String], variable: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let pairs = given.iter().filter_map(|entry| match entry.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => Some((entry.clone(), variable(entry)?)),
    });
    pairs.collect()
}

/// `HOSTPATH[:PATH]`, the path in the sandbox being the file's name when left out.
fn read_file(given: &str) -> Result<FileRequest, Failure> {
    let (source, path) = given.rsplit_once(':').unwrap_or((given, ""));
    let source = Path::new(source);
    let name = source.file_name().map(|name| name.to_string_lossy().into_owned());
    let path = if path.is_empty() {
        name.unwrap_or_default()
    } else {
        path.strip_prefix("./").unwrap_or(path).into()
    };
    let failed = |error: std::io::Error| {
        Failure::caused(&format!("--file {}", source.display()), &error)
            .hint("name a file that this user can read")
    };
    let metadata = fs::metadata(source).map_err(failed)?;
    let contents = fs::read(source).map_err(failed)?;
    Ok(FileRequest {
        path,
        text: None,
        base64: Some(STANDARD.encode(contents)),
        blob: None,
        mode: Some(format!("{:04o}", metadata.permissions().mode() & 0o777)),
    })
}

fn refusal(errors: &[FieldError]) -> Failure {
    let complaints = errors.iter().map(|error| format!("{}: {}", option(&error.pointer), error.detail));
    let failure = Failure::new(complaints.collect::<Vec<_>>().join("; "));
    if errors.iter().any(|error| error.code == "above_cap") {
        return failure.hint("ask for less, or raise `limits.cap` in the settings file (`--config`)");
    }
    failure
}

/// What the user typed that became the field at `pointer`.
pub(crate) fn option(pointer: &str) -> &str {
    match pointer.trim_start_matches('/').split('/').next().unwrap_or_default() {
        "limits" => match pointer.rsplit('/').next().unwrap_or_default() {
            "cpu_time_ms" => "--cpu-time",
            "wall_time_ms" => "--wall",
            "memory_bytes" => "--memory",
            "pids" => "--pids-limit",
            "output_bytes" => "--output-limit",
            "disk_bytes" => "--disk",
            "cpus" => "--cpus",
            "open_files" => "--ulimit nofile",
            "file_bytes" => "--ulimit fsize",
            "stack_bytes" => "--ulimit stack",
            other => other,
        },
        "image" => "--image",
        "volumes" => "--volume",
        "commit" => "--commit",
        "env" => "--env",
        "files" => "--file",
        "profile" => "--profile",
        "user" => "--user",
        "workdir" => "--workdir",
        "require" => "--require",
        "command" => "CMD",
        "labels" => "--label",
        "priority" => "--priority",
        "stdin" => "--interactive",
        _ => pointer,
    }
}

#[cfg(test)]
mod tests;
