use std::process::ExitCode;

use crate::client::{Call, for_each, path, query};
use crate::output::Failure;
use crate::place::{Place, PlaceArgs, Reach, TENANT};

/// Remove volumes with all that is in them
///
/// Prints the name of each. One that fails does not keep the others from it.
#[derive(Debug, clap::Args)]
pub(crate) struct RmArgs {
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn rm(args: &RmArgs) -> Result<ExitCode, Failure> {
    let (place, tenant) = (args.place.open(Reach::Trees)?, args.place.tenant.as_deref());
    for_each(&args.names, &async |name: &str| {
        match &place {
            Place::Here(images) => images.volumes().remove(tenant.unwrap_or(TENANT), name).await?,
            Place::There(client) => {
                client.send(Call::delete(query(&path(["volumes", name]), args.place.pairs()))).await?;
            }
        }
        Ok(name.to_owned())
    })
}
