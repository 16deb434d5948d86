use std::process::ExitCode;

use crate::client::{Call, block_on, path, query};
use crate::exit;
use crate::output::{self, Failure};
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
    let place = args.place.open(Reach::Trees)?;
    block_on(async {
        let mut code = ExitCode::SUCCESS;
        for name in &args.names {
            match one(&place, name, &args.place).await {
                Ok(()) => output::data(&format!("{name}\n"))?,
                Err(failure) => {
                    output::failure(&failure);
                    code = ExitCode::from(exit::ERROR);
                }
            }
        }
        Ok(code)
    })
}

async fn one(place: &Place, name: &str, args: &PlaceArgs) -> Result<(), Failure> {
    match place {
        Place::Here(images) => {
            Ok(images.volumes().remove(args.tenant.as_deref().unwrap_or(TENANT), name).await?)
        }
        Place::There(client) => {
            client.send(Call::delete(query(&path(["volumes", name]), args.pairs()))).await?;
            Ok(())
        }
    }
}
