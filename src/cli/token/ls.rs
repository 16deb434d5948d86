use std::process::ExitCode;

use api::tokens::Token;
use jiff::Timestamp;

use crate::output::{self, Failure};

use super::WhereArgs;

const COLUMNS: [&str; 5] = ["NAME", "TENANT", "ROLES", "CREATED", "EXPIRES"];

/// List the tokens, without what they are
#[derive(Debug, clap::Args)]
pub(super) struct LsArgs {
    /// Print them as a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: WhereArgs,
}

pub(super) fn ls(args: &LsArgs) -> Result<ExitCode, Failure> {
    let file = args.place.store()?.read()?;
    if args.json {
        output::json(&file.tokens)?;
    } else {
        output::data(&table(&file.tokens, Timestamp::now()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(tokens: &[Token], now: Timestamp) -> String {
    let rows: Vec<[String; 5]> = std::iter::once(COLUMNS.map(String::from))
        .chain(tokens.iter().map(|token| cells(token, now)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let line = |row: &[String; 5]| {
        let padded: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn cells(token: &Token, now: Timestamp) -> [String; 5] {
    let Token { name, tenant, roles, sha256: _, created_at, expires_at } = token;
    let roles: Vec<_> = roles.iter().map(|role| role.word()).collect();
    let expires = match expires_at {
        None => "never".into(),
        Some(end) if *end <= now => format!("{end:.0} (expired)"),
        Some(end) => format!("{end:.0}"),
    };
    [name.clone(), tenant.clone(), roles.join(","), format!("{created_at:.0}"), expires]
}

#[cfg(test)]
mod tests;
