//! Staying with a job until it has ended.

use std::process::ExitCode;
use std::time::Duration;

use model::{Event, Happened, Job, JobId, Output};
use serde_json::Value;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::body::cases;
use super::{SubmitArgs, id, send};
use crate::client::{Call, Client, Events, Relay, Wanted, path};
use crate::exit;
use crate::output::{self, Failure};

/// For the line on the terminal to be taken away; a reader that has stopped may hold it up.
const CLEARING: Duration = Duration::from_millis(200);

pub(super) fn wait(client: Client, args: &SubmitArgs, body: &Value) -> Result<ExitCode, Failure> {
    // Beside this thread another one, which may be stuck in writing to a reader that has stopped: ^C must work even so.
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::caused("cannot start", &error))?;
    let done = runtime.block_on(async {
        let id = id(&send(&client, args, body).await?)?;
        attended(client, id, args.json, cases(body)).await
    });
    runtime.shutdown_background();
    done
}

async fn attended(client: Client, id: JobId, json: bool, cases: Vec<u64>) -> Result<ExitCode, Failure> {
    let mut interrupts =
        signal(SignalKind::interrupt()).map_err(|error| Failure::caused("cannot handle signals", &error))?;
    let mut staying = tokio::spawn(stay(client, id, json, cases));
    tokio::select! {
        done = &mut staying => match done {
            Ok(done) => done,
            Err(error) => Err(Failure::caused("cannot wait for the job", &error)),
        },
        _ = interrupts.recv() => {
            staying.abort();
            let _ = timeout(CLEARING, staying).await;
            output::note(format!("job {id} goes on; `stockade cancel {id}` ends it"));
            Ok(ExitCode::from(exit::INTERRUPTED))
        }
    }
}

async fn stay(client: Client, id: JobId, json: bool, cases: Vec<u64>) -> Result<ExitCode, Failure> {
    let job = follow(&client, id, (!json).then(|| Relay::new(Wanted::default(), cases))).await?;
    if json {
        let whole: Value = client.json(Call::get(path(["jobs", &id.to_string()]))).await?;
        output::json(&whole)?;
    } else {
        exit::explanation(&job).into_iter().for_each(output::note);
    }
    Ok(ExitCode::from(exit::code(&job)))
}

/// The job at its end, without what it printed.
async fn follow(client: &Client, id: JobId, mut relay: Option<Relay>) -> Result<Job, Failure> {
    let mut events = Events::of(client, id);
    let mut told = Vec::new();
    while let Some(event) = events.next().await? {
        if let Some(relay) = &mut relay {
            relay.show(&event)?;
        }
        told.extend(without_output(event));
    }
    Job::from_events(told).ok_or_else(|| Failure::new("the server did not tell the job from its beginning"))
}

/// An hour's output is not kept in memory.
fn without_output(mut event: Event) -> Option<Event> {
    match &mut event.what {
        Happened::Output(_) => return None,
        Happened::CaseEnded { case, .. } => {
            (case.stdout, case.stderr) = (Output::default(), Output::default());
        }
        _ => (),
    }
    Some(event)
}
