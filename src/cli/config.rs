//! `stockade config`: what the settings come to, and what they may be.

use std::process::ExitCode;

use clap::Subcommand;
use daemon::{Origin, Shown};
use serde::Serialize;

use crate::args::ServeArgs;
use crate::output::{self, Failure};

/// Show the settings of `serve`, and what they may be
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    Show(Box<ShowArgs>),
    Schema(SchemaArgs),
}

/// Print every setting as `serve` would have it, with the same options
///
/// The lines are a settings file. What is neither set nor built in is a comment; secrets are covered.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Tell where each value is from: default, FILE:LINE, environment VARIABLE or flag
    #[arg(long)]
    origin: bool,
    /// Print a JSON array, origins included
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: ServeArgs,
}

/// Print the JSON schema of the settings file
#[derive(Debug, clap::Args)]
struct SchemaArgs {}

pub(crate) fn config(args: &ConfigArgs) -> Result<ExitCode, Failure> {
    match &args.verb {
        ConfigVerb::Show(args) => show(args)?,
        ConfigVerb::Schema(SchemaArgs {}) => output::json(&daemon::schema())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let all = daemon::shown(args.settings.host.config.as_deref(), &args.settings.settings())?;
    if args.json {
        return output::json(&all.iter().map(Row::from).collect::<Vec<_>>());
    }
    output::data(&lines(&all, args.origin))
}

#[derive(Serialize)]
struct Row<'a> {
    key: &'a str,
    value: Option<&'a toml::Value>,
    origin: String,
}

impl<'a> From<&'a Shown> for Row<'a> {
    fn from(Shown { key, value, origin }: &'a Shown) -> Self {
        Self { key, value: value.as_ref(), origin: origin.to_string() }
    }
}

fn lines(all: &[Shown], origins: bool) -> String {
    let line = |Shown { key, value, .. }: &Shown| match value {
        Some(value) => format!("{key} = {value}"),
        None => format!("# {key} is not set"),
    };
    let texts: Vec<_> = all.iter().map(line).collect();
    // A long list must not push all others to the right.
    let width = texts.iter().map(String::len).filter(|length| *length <= 60).max().unwrap_or(0);
    let whole = |(text, shown): (&String, &Shown)| match &shown.origin {
        Origin::Default if shown.value.is_none() => format!("{text}\n"),
        origin if origins => format!("{text:width$}  # {origin}\n"),
        _ => format!("{text}\n"),
    };
    texts.iter().zip(all).map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_a_settings_file() {
        let shown = |key: &str, value: Option<toml::Value>, origin| Shown { key: key.into(), value, origin };
        let file = Origin::File { path: "/etc/s.toml".into(), line: 3 };
        let all = [
            shown("limits.cap.pids", Some(9.into()), file),
            shown("listen", Some(vec!["127.0.0.1:7070"].into()), Origin::Default),
            shown("policies", None, Origin::Default),
        ];
        let text = lines(&all, true);
        assert_eq!(
            text,
            "limits.cap.pids = 9          # /etc/s.toml:3\nlisten = [\"127.0.0.1:7070\"]  # default\n# policies is not set\n"
        );
        let read: toml::Table = text.parse().expect("TOML");
        assert_eq!(read["limits"]["cap"]["pids"].as_integer(), Some(9));
        assert!(!lines(&all, false).contains("# /etc"));
    }
}
