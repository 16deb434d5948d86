//! `stockade ps`: the jobs of a server.

use std::collections::BTreeMap;
use std::process::ExitCode;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Call, Client, ServerArgs, block_on, query};
use crate::output::{self, Failure};
use crate::policy::table::{plain, table};
use crate::units::age;

/// A server answers no more at once.
const PAGE: usize = 200;

/// List jobs, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: stockade ps --status running,queued --label team=ci")]
pub(crate) struct PsArgs {
    /// Only with one of these statuses, such as queued, running, succeeded, failed
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    status: Vec<String>,
    /// Only with this label, and with each of several
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// Those of all tenants, for whom the server lets see them
    #[arg(long)]
    all_tenants: bool,
    /// So many jobs at most
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    /// Print ids alone
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Print the jobs as a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

/// What a line shows of a job.
#[derive(Debug, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) status: String,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    tenant: String,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    name: String,
}

pub(crate) fn ps(args: &PsArgs) -> Result<ExitCode, Failure> {
    let client = Client::new(&args.server)?;
    let jobs = block_on(jobs(&client, args))?;
    if args.json {
        output::json(&jobs)?;
        return Ok(ExitCode::SUCCESS);
    }
    let read = jobs.into_iter().map(serde_json::from_value).collect::<Result<Vec<Item>, _>>();
    let items = read.map_err(|error| Failure::caused("cannot read what the server answers", &error))?;
    let text = if args.quiet {
        items.iter().map(|item| item.id.clone() + "\n").collect()
    } else {
        table(&rows(&items, args.all_tenants, Timestamp::now()))
    };
    output::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// As many pages as it takes.
async fn jobs(client: &Client, args: &PsArgs) -> Result<Vec<Value>, Failure> {
    let (mut jobs, mut cursor) = (Vec::new(), None::<String>);
    while jobs.len() < args.limit {
        let page: Page =
            client.json(Call::get(target(args, args.limit - jobs.len(), cursor.as_deref()))).await?;
        // A server that gives more than it was asked for does not get it shown.
        jobs.extend(page.items.into_iter().take(args.limit - jobs.len()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(jobs)
}

fn target(args: &PsArgs, count: usize, cursor: Option<&str>) -> String {
    let count = count.min(PAGE).to_string();
    let status = args.status.join(",");
    let labels = args.label.iter().map(|(key, value)| format!("{key}:{value}"));
    let labels = labels.collect::<Vec<_>>().join(",");
    let mut pairs = vec![("limit", count.as_str())];
    pairs.extend((!status.is_empty()).then_some(("status", status.as_str())));
    pairs.extend((!labels.is_empty()).then_some(("label", labels.as_str())));
    pairs.extend(args.all_tenants.then_some(("tenant", "*")));
    pairs.extend(cursor.map(|cursor| ("cursor", cursor)));
    query("/jobs", pairs)
}

fn rows(items: &[Item], tenants: bool, now: Timestamp) -> Vec<Vec<String>> {
    let mut head = vec!["ID", "STATUS", "AGE", "STEPS", "LABELS"];
    if tenants {
        head.insert(1, "TENANT");
    }
    let head = head.into_iter().map(String::from).collect();
    std::iter::once(head).chain(items.iter().map(|item| row(item, tenants, now))).collect()
}

fn row(item: &Item, tenants: bool, now: Timestamp) -> Vec<String> {
    let steps: Vec<_> = item.steps.iter().map(|step| plain(&step.name)).collect();
    let labels: Vec<_> = item.labels.iter().map(|(key, value)| plain(&format!("{key}={value}"))).collect();
    let mut row =
        vec![plain(&item.id), item.standing(), age(item.created_at, now), steps.join(","), labels.join(",")];
    if tenants {
        row.insert(1, plain(&item.tenant));
    }
    row
}

impl Item {
    pub(crate) fn standing(&self) -> String {
        let paused = if self.paused { " (paused)" } else { "" };
        format!("{}{paused}", plain(&self.status))
    }
}

/// `KEY=VALUE`.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.into(), value.into()))
}

#[cfg(test)]
mod tests;
