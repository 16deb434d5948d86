//! `stockade logs`: what a job printed, byte for byte.

use std::process::ExitCode;

use hyper::header::HeaderName;
use model::{Happened, JobId, Status, Stream};
use serde::Deserialize;

use crate::client::{Call, Client, Events, Relay, ServerArgs, Wanted, block_on, find, path};
use crate::output::{self, Failure};
use crate::policy::table::{list, plain};

const TRUNCATED: HeaderName = HeaderName::from_static("stockade-truncated");

/// Print what a job has printed
///
/// The job's stdout goes to stdout and its stderr to stderr. Without `-f` this is what is there now, step by step.
#[derive(Debug, clap::Args)]
pub(crate) struct LogsArgs {
    /// Id of the job, or enough of its beginning or end
    id: String,
    /// Go on as the job prints more, until it has ended
    #[arg(short, long)]
    follow: bool,
    /// Only of this step
    #[arg(long, value_name = "NAME")]
    step: Option<String>,
    /// Only stderr, and to stdout
    #[arg(long)]
    stderr: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Steps {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    status: Status,
}

pub(crate) fn logs(args: &LogsArgs) -> Result<ExitCode, Failure> {
    let client = Client::new(&args.server)?;
    let wanted = Wanted { step: args.step.clone(), stderr: args.stderr };
    block_on(async {
        let id = find(&client, &args.id).await?;
        if args.follow { follow(&client, id, wanted).await } else { so_far(&client, id, &wanted).await }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn follow(client: &Client, id: JobId, wanted: Wanted) -> Result<(), Failure> {
    let step = wanted.step.clone();
    let mut seen = Vec::new();
    let mut relay = Relay::new(wanted, Vec::new());
    let mut events = Events::of(client, id);
    while let Some(event) = events.next().await? {
        if let Happened::StepStarted { step } = &event.what {
            seen.push(step.clone());
        }
        if !relay.show(&event)? {
            return Ok(());
        }
    }
    known(step.as_deref(), &seen)
}

async fn so_far(client: &Client, id: JobId, wanted: &Wanted) -> Result<(), Failure> {
    let id = id.to_string();
    let Steps { steps } = client.json(Call::get(path(["jobs", &id]))).await?;
    let names: Vec<_> = steps.iter().map(|step| step.name.clone()).collect();
    known(wanted.step.as_deref(), &names)?;
    for step in steps.iter().filter(|step| step.status != Status::Skipped) {
        for (stream, name) in [(Stream::Stdout, "stdout"), (Stream::Stderr, "stderr")] {
            let Some(place) = wanted.place(&step.name, stream) else { continue };
            let mut answer = client.send(Call::get(path(["jobs", &id, "steps", &step.name, name]))).await?;
            let truncated = answer.headers.get(&TRUNCATED).is_some_and(|value| value == "true");
            while let Some(piece) = answer.piece(client.server()).await? {
                if !output::relay(place, &piece)? {
                    return Ok(());
                }
            }
            if truncated {
                output::note(plain(&format!("step {}: not all of {name} was kept", step.name)));
            }
        }
    }
    Ok(())
}

fn known(wanted: Option<&str>, steps: &[String]) -> Result<(), Failure> {
    let Some(wanted) = wanted.filter(|wanted| !steps.iter().any(|step| step == wanted)) else {
        return Ok(());
    };
    let failure = Failure::new(format!("the job has started no step `{}`", wanted.escape_debug()));
    Err(failure.hint(format!("steps so far: {}", plain(&list(steps)))))
}
