use image::Scope;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Call, block_on, query};
use crate::output::{self, Failure};
use crate::place::{Place, PlaceArgs, Reach, TENANT, read, value};
use crate::policy::table::{plain, table};
use crate::units::{age, bytes};

/// List volumes, with what they held after the last job that wrote to them
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    /// Print names alone
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Print the volumes as a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Deserialize)]
struct Item {
    name: String,
    tenant: String,
    size_limit_bytes: u64,
    used_bytes: u64,
    used_at: Timestamp,
}

#[derive(Deserialize)]
struct List {
    items: Vec<Value>,
}

pub(super) fn ls(args: &LsArgs) -> Result<(), Failure> {
    let volumes = volumes(&args.place)?;
    if args.json {
        return output::json(&volumes);
    }
    let items = volumes.into_iter().map(read).collect::<Result<Vec<Item>, _>>()?;
    if args.quiet {
        return output::data(&items.iter().map(|item| plain(&item.name) + "\n").collect::<String>());
    }
    output::data(&table(&rows(&items, Timestamp::now())))
}

fn volumes(place: &PlaceArgs) -> Result<Vec<Value>, Failure> {
    match place.open(Reach::Records)? {
        Place::Here(images) => block_on(async {
            let scope = place.tenant.clone().map_or(Scope::All, Scope::Tenant);
            images.volumes().list(scope).await?.into_iter().map(value).collect()
        }),
        Place::There(client) => {
            let call = Call::get(query("/volumes", place.pairs()));
            block_on(async { Ok(client.json::<List>(call).await?.items) })
        }
    }
}

/// Whose they are only where there are others than this machine's user.
fn rows(items: &[Item], now: Timestamp) -> Vec<Vec<String>> {
    let tenants = items.iter().any(|item| item.tenant != TENANT);
    let mut head = vec!["NAME", "USED", "SIZE", "LAST USED"];
    head.extend(tenants.then_some("TENANT"));
    let head = head.into_iter().map(String::from).collect();
    let row = |item: &Item| {
        let used = age(item.used_at, now);
        let mut row = vec![plain(&item.name), bytes(item.used_bytes), bytes(item.size_limit_bytes), used];
        row.extend(tenants.then(|| plain(&item.tenant)));
        row
    };
    std::iter::once(head).chain(items.iter().map(row)).collect()
}
