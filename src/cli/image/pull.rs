use hyper::header::ACCEPT;
use image::tool::Expected;
use image::{Pull, Stage};
use serde::Deserialize;
use serde_json::{Value, json};

use super::brought;
use crate::client::events::{Frame, Frames};
use crate::client::{Call, CallError, Client, block_on};
use crate::output::Failure;
use crate::place::{Place, PlaceArgs, Reach, value};
use crate::policy::table::plain;
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

/// How far a blob is, as a server tells it.
#[derive(Deserialize)]
struct Blob {
    digest: String,
    total: u64,
    #[serde(flatten)]
    stage: Stage,
}

pub(super) fn pull(args: &PullArgs) -> Result<(), Failure> {
    let pulled = match args.place.open(Reach::Trees)? {
        Place::Here(images) => block_on(async {
            let pull = Pull { reference: args.image.clone(), tenant: args.place.tenant.clone() };
            value(images.pull(pull, progress(args.quiet || args.json)).await?)
        }),
        Place::There(client) => block_on(async { Ok(there(&client, args).await?) }),
    };
    brought(vec![pulled?], args.json)
}

async fn there(client: &Client, args: &PullArgs) -> Result<Value, CallError> {
    let mut body = json!({ "reference": args.image });
    if let Some(tenant) = &args.place.tenant {
        body["tenant"] = tenant.as_str().into();
    }
    let call = Call::post("/images/pull").json(body.to_string().into_bytes());
    let mut answer = client.send(call.header(ACCEPT, "text/event-stream")).await?;
    let (told, mut frames) = (progress(args.quiet || args.json), Frames::default());
    while let Some(piece) = answer.piece(client.server()).await? {
        let complete = frames.push(&piece).map_err(|error| CallError::unreadable(client.server(), &error))?;
        for Frame { name, data } in complete {
            let unreadable = |error| CallError::unreadable(client.server(), &error);
            match name.as_str() {
                "progress" => {
                    let Blob { digest, total, stage } = serde_json::from_str(&data).map_err(unreadable)?;
                    told.told(&Expected { digest: plain(&digest), size: total }, stage);
                }
                "image" => return serde_json::from_str(&data).map_err(unreadable),
                "problem" => return Err(CallError::told(&data)),
                // Of a later version.
                _ => (),
            }
        }
    }
    Err(CallError::Ended { server: client.server().clone() })
}

#[cfg(test)]
mod tests {
    use super::{Blob, Stage};

    #[test]
    fn stages_are_read_as_servers_tell_them() {
        let read = |text| serde_json::from_str::<Blob>(text).map(|blob| (blob.stage, blob.total));
        let fetching = r#"{"digest":"sha256:1","stage":"fetching","done":5,"total":9}"#;
        assert_eq!(read(fetching).expect("progress"), (Stage::Fetching { done: 5 }, 9));
        let there = r#"{"digest":"sha256:1","stage":"there","done":9,"total":9}"#;
        assert_eq!(read(there).expect("progress"), (Stage::There, 9));
        assert!(read(r#"{"digest":"sha256:1","stage":"odd","done":9,"total":9}"#).is_err());
    }
}
