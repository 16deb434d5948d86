use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::brought;
use crate::client::{Call, Upload, block_on, query};
use crate::list::List;
use crate::output::Failure;
use crate::place::{Place, PlaceArgs, Reach, value};
use crate::progress::progress;

/// Read images from an archive
///
/// Prints their names. Taken are what `docker save`, `podman save` and `skopeo copy` write (docker-archive and oci-archive),
/// folders with an OCI layout, and a root filesystem as a tar file, which needs a name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: docker save busybox | stockade image import -")]
pub(crate) struct ImportArgs {
    /// Archive or folder; `-` reads stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the image is called where the archive does not say it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Say nothing meanwhile
    #[arg(short, long)]
    quiet: bool,
    /// Print the images as a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn import(args: &ImportArgs) -> Result<(), Failure> {
    // Before root is given up.
    let archive = open(&args.file)?;
    let (name, tenant) = (args.name.as_deref(), args.place.tenant.as_deref());
    let images = match args.place.open(Reach::Trees)? {
        Place::Here(images) => block_on(async {
            let told = progress(args.quiet || args.json);
            images.import(archive, name, tenant, told).await?.into_iter().map(value).collect()
        }),
        Place::There(client) => block_on(async {
            let pairs = name.map(|name| ("name", name)).into_iter().chain(args.place.pairs());
            let call = Call::post(query("/images/import", pairs));
            Ok(client.upload::<List>(call, Upload::new(archive)?).await?.items)
        }),
    };
    brought(images?, args.json)
}

fn open(path: &Path) -> Result<File, Failure> {
    let stdin = path == Path::new("-");
    if stdin && io::stdin().is_terminal() {
        return Err(Failure::new("stdin is a terminal").hint("name a file, or pipe an archive into this"));
    }
    let opened =
        if stdin { io::stdin().as_fd().try_clone_to_owned().map(File::from) } else { File::open(path) };
    opened.map_err(|error| {
        Failure::caused(&path.display().to_string(), &error).hint("name a file that this user can read")
    })
}
