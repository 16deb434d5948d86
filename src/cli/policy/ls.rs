//! `stockade policy ls`: the plugins that come with Stockade, or the policies of a bundle.

use std::path::Path;
use std::process::ExitCode;

use admission::component::Description;
use admission::component::contract::CONFIGURATION;
use admission::{Bundle, Entry, shipped};
use model::Mode;
use serde::Serialize;

use super::plugin::{self, BUILTIN};
use super::table::{list, table};
use crate::output::{self, Failure};

/// List the plugins that come with Stockade, or the policies of a bundle in the order they are asked
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    /// A bundle (TOML), or the name of one that comes with Stockade
    bundle: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Plugin {
    plugin: String,
    #[serde(flatten)]
    description: Description,
}

#[derive(Serialize)]
struct Policy {
    name: String,
    order: i32,
    mode: Mode,
    /// What the bundle grants, beside what the plugin asks for.
    granted: Vec<&'static str>,
    #[serde(flatten)]
    plugin: Plugin,
}

pub(crate) fn ls(args: &LsArgs) -> Result<ExitCode, Failure> {
    match &args.bundle {
        None => print(args.json, &builtins()?, plugins_table)?,
        Some(bundle) => print(args.json, &policies(bundle)?, policies_table)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print<T: Serialize>(json: bool, rows: &[T], text: impl Fn(&[T]) -> String) -> Result<(), Failure> {
    if json { output::json(&rows) } else { output::data(&text(rows)) }
}

fn builtins() -> Result<Vec<Plugin>, Failure> {
    let named = |name| described(&format!("{BUILTIN}{name}"), Path::new(""));
    shipped::plugin_names().into_iter().map(named).collect()
}

fn described(plugin: &str, folder: &Path) -> Result<Plugin, Failure> {
    let description = plugin::describe(&plugin::load(plugin, folder)?, plugin)?;
    Ok(Plugin { plugin: plugin.into(), description })
}

fn policies(source: &str) -> Result<Vec<Policy>, Failure> {
    let bundle =
        Bundle::read(source).map_err(|error| Failure::new(error.to_string()).hint(error.remedy.clone()))?;
    let folder = Path::new(source).parent().unwrap_or(Path::new(""));
    bundle.policies.iter().map(|entry| policy(entry, folder)).collect()
}

fn policy(entry: &Entry, folder: &Path) -> Result<Policy, Failure> {
    Ok(Policy {
        name: entry.name.clone(),
        order: entry.order,
        mode: entry.mode,
        granted: entry.grants.iter().map(|grant| grant.word()).collect(),
        plugin: described(&entry.plugin, folder)?,
    })
}

fn plugins_table(plugins: &[Plugin]) -> String {
    let mut rows = vec![["PLUGIN", "VERSION", "HOOKS", "GRANTS", "DESCRIPTION"].map(String::from).to_vec()];
    rows.extend(plugins.iter().map(|Plugin { plugin, description }| {
        let metadata = description.metadata.as_ref();
        let (version, text) =
            metadata.map_or(("-", "-"), |metadata| (&metadata.version, &metadata.description));
        let grants = list(&description.grants);
        vec![plugin.clone(), version.into(), hooks(description), grants, text.into()]
    }));
    table(&rows)
}

fn policies_table(policies: &[Policy]) -> String {
    let mut rows = vec![["ORDER", "POLICY", "MODE", "PLUGIN", "HOOKS", "DIGEST"].map(String::from).to_vec()];
    rows.extend(policies.iter().map(|Policy { name, order, mode, plugin, granted: _ }| {
        let Plugin { plugin, description } = plugin;
        let mode = mode.word().into();
        vec![
            order.to_string(),
            name.clone(),
            mode,
            plugin.clone(),
            hooks(description),
            description.digest.clone(),
        ]
    }));
    table(&rows)
}

/// Those at which it is asked about a job.
fn hooks(description: &Description) -> String {
    let hooks: Vec<_> = description.hooks.iter().filter(|hook| **hook != CONFIGURATION).collect();
    list(&hooks)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{described, plugins_table, policies, policies_table};
    use crate::policy::testing::{self, Folder};

    #[test]
    fn a_line_says_what_the_plugin_does_and_wants() {
        let folder = Folder::new();
        fs::write(folder.path().join("cap.wasm"), testing::policy("mutator")).expect("a folder of ours");
        let plugins = [described("cap.wasm", folder.path()).expect("a policy")];
        assert_eq!(
            plugins_table(&plugins),
            "PLUGIN    VERSION  HOOKS     GRANTS  DESCRIPTION\n\
             cap.wasm  1.2.3    mutation  patch   An example.\n"
        );
    }

    #[test]
    fn a_bundle_is_listed_in_the_order_it_is_asked() {
        let folder = Folder::new();
        fs::write(folder.path().join("cap.wasm"), testing::policy("mutator")).expect("a folder of ours");
        fs::write(folder.path().join("look.wasm"), testing::policy("observer")).expect("a folder of ours");
        folder.write(
            "site.toml",
            "[[policy]]\nname = 'later'\nplugin = 'look.wasm'\nmode = 'audit'\n\
             [[policy]]\nname = 'first'\nplugin = 'cap.wasm'\norder = 10\ngrants = ['patch', 'loosen']\n",
        );
        let bundle = folder.path().join("site.toml");
        let policies = policies(bundle.to_str().expect("UTF-8")).expect("a bundle");
        let table = policies_table(&policies);
        let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        let digest = policies[0].plugin.description.digest.as_str();
        assert_eq!(lines[1], ["10", "first", "enforce", "cap.wasm", "mutation", digest]);
        assert_eq!(lines[2][..6], ["100", "later", "audit", "look.wasm", "on-started,", "on-exited"]);
        assert_eq!(policies[0].granted, ["patch", "loosen"]);
    }

    #[test]
    fn a_bundle_that_is_wrong_is_named_with_its_line() {
        let folder = Folder::new();
        folder.write("site.toml", "\n[[policy]]\nnam = 'x'\n");
        let bundle = folder.path().join("site.toml");
        let failure = policies(bundle.to_str().expect("UTF-8")).err().expect("wrong");
        assert!(format!("{failure:?}").contains("site.toml:"), "{failure:?}");
    }
}
