//! What `ls` shows of images and of volumes.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::output::{self, Failure};
use crate::place::{PlaceArgs, read};
use crate::policy::table::{plain, table};

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Print names alone
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Print all about them as a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// As a server answers.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) items: Vec<Value>,
}

pub(crate) trait Listed: DeserializeOwned {
    fn name(&self) -> &str;

    /// The table, its head included.
    fn rows(items: &[Self], now: Timestamp) -> Vec<Vec<String>>;
}

pub(crate) fn print<T: Listed>(args: &ListArgs, all: Vec<Value>) -> Result<(), Failure> {
    if args.json {
        return output::json(&all);
    }
    let items = all.into_iter().map(read).collect::<Result<Vec<T>, _>>()?;
    if args.quiet {
        return output::data(&items.iter().map(|item| plain(item.name()) + "\n").collect::<String>());
    }
    output::data(&table(&T::rows(&items, Timestamp::now())))
}
