use image::Pull;
use serde_json::json;

use super::brought;
use crate::client::{Call, block_on};
use crate::output::Failure;
use crate::place::{Place, PlaceArgs, Reach, value};
use crate::progress::progress;

/// Fetch an image from a registry
///
/// Prints its name. What an interrupted pull has fetched is not fetched again. Passwords are those of `docker login`, `podman
/// login` or `skopeo login`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: stockade image pull docker.io/library/busybox:latest")]
pub(crate) struct PullArgs {
    /// NAME:TAG, REGISTRY/NAME:TAG or NAME@sha256:…; docker.io and `latest` when left out
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Say nothing meanwhile
    #[arg(short, long)]
    quiet: bool,
    /// Print the image as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn pull(args: &PullArgs) -> Result<(), Failure> {
    let tenant = args.place.tenant.clone();
    let pulled = match args.place.open(Reach::Trees)? {
        Place::Here(images) => block_on(async {
            let pull = Pull { reference: args.image.clone(), tenant };
            value(images.pull(pull, progress(args.quiet || args.json)).await?)
        }),
        Place::There(client) => block_on(async {
            let mut body = json!({ "reference": args.image });
            if let Some(tenant) = tenant {
                body["tenant"] = tenant.into();
            }
            Ok(client.json(Call::post("/images/pull").json(body.to_string().into_bytes())).await?)
        }),
    };
    brought(vec![pulled?], args.json)
}
