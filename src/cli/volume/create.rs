use serde_json::json;

use crate::client::{Call, block_on};
use crate::output::{self, Failure};
use crate::place::{Place, PlaceArgs, Reach, TENANT, value};
use crate::units::size_bytes;

/// Make a volume, and print its name
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: stockade volume create pip-cache --size 2g")]
pub(crate) struct CreateArgs {
    /// Lower-case letters, digits, `-`, `_` and `.`
    name: String,
    /// What it may hold [units: b, k, m, g]
    #[arg(long, value_name = "SIZE", value_parser = size_bytes)]
    size: Option<u64>,
    /// Print the volume as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn create(args: &CreateArgs) -> Result<(), Failure> {
    let place = &args.place;
    let volume = match place.open(Reach::Trees)? {
        Place::Here(images) => block_on(async {
            let tenant = place.tenant.as_deref().unwrap_or(TENANT);
            value(images.volumes().create(tenant, &args.name, args.size).await?)
        }),
        Place::There(client) => block_on(async {
            let mut body = json!({ "name": args.name });
            if let Some(size) = args.size {
                body["size_limit_bytes"] = size.into();
            }
            if place.tenant.is_some() {
                let hint = "leave out `--tenant`, and use a token of that tenant";
                return Err(Failure::new("a server makes a volume for who asks").hint(hint));
            }
            Ok(client.json(Call::post("/volumes").json(body.to_string().into_bytes())).await?)
        }),
    }?;
    if args.json { output::json(&volume) } else { output::data(&format!("{}\n", args.name)) }
}
