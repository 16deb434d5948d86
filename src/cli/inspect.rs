//! `stockade inspect`: all that is known of a job.

mod summary;

use std::process::ExitCode;

use jiff::Timestamp;
use model::Job;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Call, Client, ServerArgs, block_on, find, path};
use crate::output::{self, Failure};

/// Show one job: how it stands, why, what it used and how it was isolated
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// Id of the job, or enough of its beginning or end
    id: String,
    /// Print the job as the server answers it, its output included
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn inspect(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let client = Client::new(&args.server)?;
    let job: Value = block_on(async {
        let id = find(&client, &args.id).await?.to_string();
        Ok(client.json(Call::get(path(["jobs", &id]))).await?)
    })?;
    if args.json {
        output::json(&job)?;
        return Ok(ExitCode::SUCCESS);
    }
    let job = Job::deserialize(job).map_err(|error| {
        Failure::caused("cannot read what the server answers", &error)
            .hint("`--json` shows it as it is; the server may be of another version")
    })?;
    output::data(&summary::summary(&job, Timestamp::now()))?;
    Ok(ExitCode::SUCCESS)
}
