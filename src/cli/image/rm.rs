use std::process::ExitCode;

use image::{Error, Images, Removed};

use crate::client::{Call, Client, block_on, path, query};
use crate::exit;
use crate::output::{self, Failure};
use crate::place::{Place, PlaceArgs, Reach, TENANT};

/// Remove images, and what nothing else refers to
///
/// Prints the names that are gone. One that fails does not keep the others from it.
#[derive(Debug, clap::Args)]
pub(crate) struct RmArgs {
    /// NAME, NAME:TAG, NAME@sha256:…, or sha256:… for all its names
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// Also one that a job is using: its files go after the job, with the first `gc`
    #[arg(short, long, conflicts_with = "server")]
    force: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn rm(args: &RmArgs) -> Result<ExitCode, Failure> {
    let place = args.place.open(Reach::Trees)?;
    block_on(async {
        let mut code = ExitCode::SUCCESS;
        for image in &args.images {
            let names = match &place {
                Place::Here(images) => here(images, image, args).await,
                Place::There(client) => there(client, image, &args.place).await,
            };
            match names {
                Ok(names) => {
                    output::data(&(names.join("\n") + "\n"))?;
                }
                Err(failure) => {
                    output::failure(&failure);
                    code = ExitCode::from(exit::ERROR);
                }
            }
        }
        Ok(code)
    })
}

/// A tenant's own name comes before everybody's, as it does for jobs.
async fn here(images: &Images, image: &str, args: &RmArgs) -> Result<Vec<String>, Failure> {
    let named = args.place.tenant.as_deref();
    let removed = match images.remove(Some(named.unwrap_or(TENANT)), image, args.force).await {
        Err(Error::ImageNotFound(_)) if named.is_none() => images.remove(None, image, args.force).await,
        removed => removed,
    };
    let Removed { names, .. } = removed?;
    Ok(names)
}

async fn there(client: &Client, image: &str, place: &PlaceArgs) -> Result<Vec<String>, Failure> {
    client.send(Call::delete(query(&path(["images", image]), place.pairs()))).await?;
    Ok(vec![image.to_owned()])
}
