use crate::client::{Call, block_on, path, query};
use crate::output::{self, Failure};
use crate::place::{Place, PlaceArgs, Reach, TENANT, value};

/// Print all about a volume as JSON
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    name: String,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn inspect(args: &InspectArgs) -> Result<(), Failure> {
    let place = &args.place;
    let volume = match place.open(Reach::Records)? {
        Place::Here(images) => block_on(async {
            value(images.volumes().inspect(place.tenant.as_deref().unwrap_or(TENANT), &args.name).await?)
        }),
        Place::There(client) => {
            let call = Call::get(query(&path(["volumes", &args.name]), place.pairs()));
            block_on(async { Ok(client.json(call).await?) })
        }
    };
    output::json(&volume?)
}
