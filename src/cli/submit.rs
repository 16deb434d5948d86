//! `stockade submit`: a job for a server.

mod body;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderName;
use model::JobId;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use crate::args::JobArgs;
use crate::client::{Call, Client, Naming, ServerArgs, block_on};
use crate::output::{self, Failure};
use crate::ps::label;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Further tries of one who waits anyway.
const TRIES: u32 = 3;
const LONGEST_PAUSE: u64 = 60;

/// Send a job to a server
///
/// Prints the job's id. With `--wait`, output and exit code are the job's own, as in `stockade run`: 125 means that Stockade
/// failed or refused, 126 that the command is not executable, 127 that it was not found, 128+N that signal N ended it.
/// ^C leaves the job running and exits with 130.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: stockade submit --wait --memory 256m --wall 10s -- python3 -c 'print(6 * 7)'"
)]
pub(crate) struct SubmitArgs {
    /// Job as JSON, the body of `POST /jobs`; `-` reads stdin
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with_all = ["JobArgs", "interactive"])]
    pub(crate) from: Option<PathBuf>,
    /// Stay until the job has ended, and show its output as it comes
    #[arg(long)]
    pub(crate) wait: bool,
    /// Print the job as JSON; with --wait, when it has ended
    #[arg(long)]
    pub(crate) json: bool,
    /// The same key and job a second time make no second job
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Give the job a label
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
    /// Among the waiting jobs of one tenant the higher goes first: -100 to 100
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,
    /// Read this stdin to its end and make it the command's
    #[arg(short, long)]
    pub(crate) interactive: bool,
    #[command(flatten)]
    pub(crate) job: JobArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// The command and its arguments
    #[arg(
        required_unless_present_any = ["from", "image"],
        conflicts_with = "from",
        trailing_var_arg = true,
        value_name = "CMD"
    )]
    pub(crate) command: Vec<String>,
}

/// Of the job as taken in.
#[derive(Deserialize)]
struct Taken {
    id: JobId,
}

pub(crate) fn submit(args: &SubmitArgs) -> Result<ExitCode, Failure> {
    let body = body::body(args)?;
    let client = Client::new(&args.server)?;
    if args.wait {
        return wait::wait(client, args, &body);
    }
    let job = block_on(send(&client, args, &body))?;
    if args.json {
        output::json(&job)?;
    } else {
        output::data(&format!("{}\n", id(&job)?))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The job as it was taken in. Where there is no room for it, one who waits has the time to ask again.
async fn send(client: &Client, args: &SubmitArgs, body: &Value) -> Result<Value, Failure> {
    let bytes = serde_json::to_vec(body).map_err(|error| Failure::caused("cannot write the job", &error))?;
    let mut call = Call::post("/jobs").json(bytes);
    if let Some(key) = &args.idempotency_key {
        call = call.header(IDEMPOTENCY_KEY, key);
    }
    let naming = if args.from.is_some() { Naming::Pointers } else { Naming::Options };
    let mut tries = if args.wait { TRIES } else { 0 };
    loop {
        match client.json(call.clone()).await {
            Ok(job) => return Ok(job),
            Err(error) if error.status() == Some(StatusCode::TOO_MANY_REQUESTS) && tries > 0 => {
                tries -= 1;
                let seconds = error.again_in().unwrap_or(1).min(LONGEST_PAUSE);
                output::note(format!("{error}; trying again in {seconds} s"));
                sleep(Duration::from_secs(seconds)).await;
            }
            Err(error) => return Err(error.named(naming)),
        }
    }
}

fn id(job: &Value) -> Result<JobId, Failure> {
    let taken = Taken::deserialize(job);
    Ok(taken.map_err(|error| Failure::caused("cannot read what the server answers", &error))?.id)
}

#[cfg(test)]
mod tests;
