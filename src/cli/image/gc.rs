use serde::Deserialize;

use crate::client::{Call, block_on};
use crate::output::{self, Failure};
use crate::place::{Place, PlaceArgs, Reach, read, value};
use crate::units::bytes;

/// Remove what no name, job or volume refers to, and what an interrupted pull has left
#[derive(Debug, clap::Args)]
pub(crate) struct GcArgs {
    /// Print what was removed as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Deserialize)]
struct Freed {
    images: u64,
    layers: u64,
    blobs: u64,
    bytes: u64,
    leftovers: u64,
}

pub(super) fn gc(args: &GcArgs) -> Result<(), Failure> {
    let freed = match args.place.open(Reach::Trees)? {
        Place::Here(images) => block_on(async { value(images.gc().await?) }),
        Place::There(client) => block_on(async { Ok(client.json(Call::post("/images/gc")).await?) }),
    }?;
    if args.json {
        return output::json(&freed);
    }
    let Freed { images, layers, blobs, bytes: freed, leftovers } = read(freed)?;
    let counts = [(images, "images"), (layers, "layers"), (blobs, "blobs"), (leftovers, "leftovers")];
    let counts: Vec<_> = counts.into_iter().map(|(count, of)| format!("{of}: {count}")).collect();
    output::data(&format!("freed {} ({})\n", bytes(freed), counts.join(", ")))
}
