//! Completion scripts. What clap writes knows verbs and options; a few lines of ours ask for ids of jobs, and for names of
//! images and volumes.

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, ValueEnum};
use clap_complete::Shell;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::args::{Args, CompletionArgs};
use crate::client::{Call, Client, ServerArgs, block_on};
use crate::image::ls::images;
use crate::output::{self, Failure};
use crate::place::{Place, PlaceArgs, Reach, read};
use crate::policy::table::plain;
use crate::ps::Item;
use crate::units::{age, bytes};
use crate::volume::ls::volumes;

pub(crate) const FOR_COMPLETION: &str = "complete";
/// Whoever has pressed a key does not wait longer.
const PATIENCE: Duration = Duration::from_millis(300);

/// Names with a word about each, for a completion script
#[derive(Debug, clap::Args)]
pub(crate) struct CompleteArgs {
    kind: Kind,
    /// The line as typed: it may say where they are
    line: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// The recent ones.
    Jobs,
    Images,
    Volumes,
}

/// Where in a line a server can be named.
#[derive(Debug, Parser)]
struct ServerLine {
    #[command(flatten)]
    server: ServerArgs,
}

/// The same for what can be on this machine.
#[derive(Debug, Parser)]
struct PlaceLine {
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Image {
    name: String,
    bytes: u64,
}

#[derive(Deserialize)]
struct Volume {
    name: String,
    used_bytes: u64,
    size_limit_bytes: u64,
}

pub(crate) fn completion(args: &CompletionArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "stockade", &mut script);
    let names = match args.shell {
        Shell::Bash => include_str!("completion/names.bash"),
        Shell::Zsh => include_str!("completion/names.zsh"),
        Shell::Fish => include_str!("completion/names.fish"),
        _ => "",
    };
    output::data(&(String::from_utf8_lossy(&script) + names))?;
    Ok(ExitCode::SUCCESS)
}

/// `NAME<TAB>A WORD`, a line for each. Says nothing when it cannot: it runs while somebody types.
pub(crate) fn names(args: &CompleteArgs) -> Result<ExitCode, Failure> {
    let found = match args.kind {
        Kind::Jobs => recent(&args.line).map(|jobs| {
            let now = Timestamp::now();
            let line = |job: &Item| format!("{}\t{}, {}\n", job.id, job.standing(), age(job.created_at, now));
            jobs.iter().map(line).collect()
        }),
        Kind::Images => listed(&args.line, &images).map(|all| {
            let line = |Image { name, bytes: size }| format!("{}\t{}\n", plain(short(&name)), bytes(size));
            all.into_iter().filter_map(|image| read(image).ok()).map(line).collect()
        }),
        Kind::Volumes => listed(&args.line, &volumes).map(|all| {
            let line = |Volume { name, used_bytes, size_limit_bytes }| {
                format!("{}\t{} of {}\n", plain(&name), bytes(used_bytes), bytes(size_limit_bytes))
            };
            all.into_iter().filter_map(|volume| read(volume).ok()).map(line).collect()
        }),
    };
    let lines: String = found.unwrap_or_default();
    output::data(&lines)?;
    Ok(ExitCode::SUCCESS)
}

/// As people write it: what the hub's names begin with goes without saying.
fn short(name: &str) -> &str {
    let hub = name.strip_prefix("docker.io/").unwrap_or(name);
    hub.strip_prefix("library/").filter(|_| hub.len() < name.len()).unwrap_or(hub)
}

fn recent(line: &str) -> Option<Vec<Item>> {
    let client = Client::new(&server(line)?).ok()?;
    let asked = block_on(async {
        let asked = client.json::<Page>(Call::get("/jobs?limit=50"));
        Ok(timeout(PATIENCE, asked).await.ok().and_then(Result::ok))
    });
    Some(asked.ok()??.items)
}

fn listed(
    line: &str,
    list: &impl AsyncFn(&Place, Option<&str>) -> Result<Vec<Value>, Failure>,
) -> Option<Vec<Value>> {
    let args = place(line)?;
    let place = args.open(Reach::Records).ok()?;
    let asked = block_on(async {
        let asked = list(&place, args.tenant.as_deref());
        Ok(timeout(PATIENCE, asked).await.ok().and_then(Result::ok))
    });
    asked.ok()?
}

/// The server that the line names, or the one that the environment does.
fn server(line: &str) -> Option<ServerArgs> {
    let words = said(line, &["--server", "--cacert", "--token-file"])?;
    Some(ServerLine::try_parse_from(words).ok()?.server)
}

fn place(line: &str) -> Option<PlaceArgs> {
    let options = ["--server", "--cacert", "--token-file", "--tenant", "--state-dir", "--config"];
    Some(PlaceLine::try_parse_from(said(line, &options)?).ok()?.place)
}

/// What a line has of these options. Quotes are beyond this.
fn said<'a>(line: &'a str, options: &[&str]) -> Option<Vec<&'a str>> {
    let mut words = vec!["stockade"];
    let mut rest = line.split_whitespace();
    while let Some(word) = rest.next() {
        let (option, value) =
            word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
        if options.contains(&option) {
            words.push(option);
            words.push(value.or_else(|| rest.next())?);
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests;
