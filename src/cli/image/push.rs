use image::Push;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Call, block_on};
use crate::output::{self, Failure};
use crate::place::{Place, PlaceArgs, Reach, TENANT, read};
use crate::progress::progress;

/// Send an image to a registry
///
/// Prints the digest of its manifest. What was pulled is sent byte for byte. Passwords are those of `docker login`, `podman
/// login` or `skopeo login`.
#[derive(Debug, clap::Args)]
pub(crate) struct PushArgs {
    /// NAME, NAME:TAG, NAME@sha256:… or sha256:…
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Registry, name and tag that it gets there [default: its own]
    #[arg(value_name = "TO")]
    to: Option<String>,
    /// Say nothing meanwhile
    #[arg(short, long)]
    quiet: bool,
    /// Print the digest as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Deserialize)]
struct Pushed {
    digest: String,
}

pub(super) fn push(args: &PushArgs) -> Result<(), Failure> {
    let (reference, to) = (args.image.clone(), args.to.clone());
    let tenant = args.place.tenant.clone();
    let pushed: Value = match args.place.open(Reach::Records)? {
        Place::Here(images) => block_on(async {
            let push = Push { reference, tenant: Some(tenant.unwrap_or_else(|| TENANT.into())), to };
            let digest = images.push(push, progress(args.quiet || args.json)).await?;
            Ok(json!({ "digest": digest }))
        }),
        Place::There(client) => block_on(async {
            let mut body = json!({ "reference": reference });
            let more = [("to", to), ("tenant", tenant)];
            for (name, text) in more.into_iter().filter_map(|(name, text)| Some((name, text?))) {
                body[name] = text.into();
            }
            Ok(client.json(Call::post("/images/push").json(body.to_string().into_bytes())).await?)
        }),
    }?;
    if args.json {
        return output::json(&pushed);
    }
    output::data(&(read::<Pushed>(pushed)?.digest + "\n"))
}
