//! `stockade policy inspect`: what a policy says about itself, and what its file says about it.

mod schema;

use std::path::Path;
use std::process::ExitCode;

use admission::component::Description;

use super::plugin;
use super::table::{list, plain, table};
use crate::exit;
use crate::output::{self, Failure};

/// Show what a policy is and what it asks for, without running it
///
/// Exits with 1 when the policy imports what no policy is given.
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// A component (.wasm), or builtin:NAME
    #[arg(value_name = "FILE|builtin:NAME")]
    plugin: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn inspect(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let component = plugin::load(&args.plugin, Path::new(""))?;
    let description = plugin::describe(&component, &args.plugin)?;
    if args.json {
        output::json(&description)?;
    } else {
        output::data(&report(&description))?;
    }
    if description.unknown_imports.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    output::note("it cannot be loaded: it imports what no policy is given");
    Ok(ExitCode::from(exit::FAILED))
}

fn report(description: &Description) -> String {
    let Some(metadata) = &description.metadata else {
        return format!(
            "a policy without metadata: not built by `stockade policy build`\n\n{}",
            facts(description)
        );
    };
    let (name, version, about) = (&metadata.name, &metadata.version, &metadata.description);
    let settings = metadata.settings_schema.as_ref().map(|schema| format!("\n{}", schema::table_of(schema)));
    format!("{name} {version}\n{about}\n\n{}{}", facts(description), settings.unwrap_or_default())
}

/// One fact a line; `build` prints them as well.
pub(super) fn facts(description: &Description) -> String {
    let mut rows = vec![
        row("contract", format!("stockade:policy@{}", description.contract)),
        row("size", format!("{} bytes", description.size_bytes)),
        row("digest", description.digest.clone()),
        row("hooks", list(&description.hooks)),
        row("always there", list(&description.always_there)),
        row("grants", list(&description.grants)),
        row("calls", list(&calls(description))),
    ];
    if let Some(metadata) = &description.metadata {
        rows.push(row("metrics", list(&metadata.metrics)));
        rows.extend(metadata.homepage.clone().map(|homepage| row("homepage", homepage)));
    }
    for (name, names) in
        [("unknown imports", &description.unknown_imports), ("unknown exports", &description.unknown_exports)]
    {
        if !names.is_empty() {
            rows.push(row(name, plain(&list(names))));
        }
    }
    table(&rows)
}

fn row(name: &str, value: String) -> Vec<String> {
    vec![name.into(), value]
}

/// `job.memory-bytes` and the like.
fn calls(description: &Description) -> Vec<String> {
    let of = |(interface, names): (&&str, &Vec<String>)| {
        names.iter().map(|name| format!("{interface}.{name}")).collect::<Vec<_>>()
    };
    description.functions.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests;
