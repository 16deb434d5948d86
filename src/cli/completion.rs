//! Completion scripts. What clap writes knows verbs and options; a few lines of ours ask the server for ids of jobs.

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::timeout;

use crate::args::{Args, CompletionArgs};
use crate::client::{Call, Client, ServerArgs, block_on};
use crate::output::{self, Failure};
use crate::ps::Item;
use crate::units::age;

pub(crate) const JOBS_FOR_COMPLETION: &str = "complete-jobs";
/// Whoever has pressed a key does not wait longer.
const PATIENCE: Duration = Duration::from_millis(300);

/// Ids of recent jobs with a word about each, for a completion script
#[derive(Debug, clap::Args)]
pub(crate) struct CompleteJobsArgs {
    /// The line as typed: it may name the server
    line: String,
}

/// Where in a line a server can be named.
#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
}

pub(crate) fn completion(args: &CompletionArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "stockade", &mut script);
    let jobs = match args.shell {
        Shell::Bash => include_str!("completion/jobs.bash"),
        Shell::Zsh => include_str!("completion/jobs.zsh"),
        Shell::Fish => include_str!("completion/jobs.fish"),
        _ => "",
    };
    output::data(&(String::from_utf8_lossy(&script) + jobs))?;
    Ok(ExitCode::SUCCESS)
}

/// `ID<TAB>STATUS AGE`, a line for each. Says nothing when it cannot: it runs while somebody types.
pub(crate) fn jobs(args: &CompleteJobsArgs) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let lines: String = recent(&args.line).unwrap_or_default().iter().map(|item| line(item, now)).collect();
    output::data(&lines)?;
    Ok(ExitCode::SUCCESS)
}

fn line(item: &Item, now: Timestamp) -> String {
    format!("{}\t{}, {}\n", item.id, item.standing(), age(item.created_at, now))
}

fn recent(line: &str) -> Option<Vec<Item>> {
    let client = Client::new(&server(line)?).ok()?;
    let asked = block_on(async {
        let asked = client.json::<Page>(Call::get("/jobs?limit=50"));
        Ok(timeout(PATIENCE, asked).await.ok().and_then(Result::ok))
    });
    Some(asked.ok()??.items)
}

/// The server that the line names, or the one that the environment does. Quotes are beyond this.
fn server(line: &str) -> Option<ServerArgs> {
    let mut words = vec!["stockade"];
    let mut rest = line.split_whitespace();
    while let Some(word) = rest.next() {
        let (option, value) =
            word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
        if ["--server", "--cacert", "--token-file"].contains(&option) {
            words.push(option);
            words.push(value.or_else(|| rest.next())?);
        }
    }
    Some(Line::try_parse_from(words).ok()?.server)
}

#[cfg(test)]
mod tests;
