use std::process::ExitCode;

use image::{Error, Images};

use crate::client::{Call, Client, for_each, path, query};
use crate::output::Failure;
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
    for_each(&args.images, &async |image: &str| match &place {
        Place::Here(images) => here(images, image, args).await,
        Place::There(client) => there(client, image, &args.place).await,
    })
}

/// A tenant's own name comes before everybody's, as it does for jobs.
async fn here(images: &Images, image: &str, args: &RmArgs) -> Result<String, Failure> {
    let named = args.place.tenant.as_deref();
    let removed = match images.remove(Some(named.unwrap_or(TENANT)), image, args.force).await {
        Err(Error::ImageNotFound(_)) if named.is_none() => images.remove(None, image, args.force).await,
        removed => removed,
    };
    Ok(removed?.names.join("\n"))
}

async fn there(client: &Client, image: &str, place: &PlaceArgs) -> Result<String, Failure> {
    client.send(Call::delete(query(&path(["images", image]), place.pairs()))).await?;
    Ok(image.to_owned())
}
