use crate::client::{Call, block_on, path, query};
use crate::output::{self, Failure};
use crate::place::{Place, PlaceArgs, Reach, TENANT, value};

/// Print all about an image as JSON: its config, its layers with their digests and sizes
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// NAME, NAME:TAG, NAME@sha256:… or sha256:…
    #[arg(value_name = "IMAGE")]
    image: String,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn inspect(args: &InspectArgs) -> Result<(), Failure> {
    let place = &args.place;
    let details = match place.open(Reach::Records)? {
        Place::Here(images) => block_on(async {
            let tenant = place.tenant.as_deref().unwrap_or(TENANT);
            value(images.inspect(Some(tenant), &args.image).await?)
        }),
        Place::There(client) => {
            let call = Call::get(query(&path(["images", &args.image]), place.pairs()));
            block_on(async { Ok(client.json(call).await?) })
        }
    };
    output::json(&details?)
}
