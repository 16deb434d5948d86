use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use image::Format;

use crate::client::{Call, Client, block_on, query};
use crate::output::Failure;
use crate::place::{Place, PlaceArgs, Reach, TENANT};

/// Write an image to an archive, as skopeo, podman and docker read it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: stockade image export busybox --format docker-archive -o - | docker load")]
pub(crate) struct ExportArgs {
    /// NAME, NAME:TAG, NAME@sha256:… or sha256:…
    #[arg(value_name = "IMAGE")]
    image: String,
    /// File to write; `-` is stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[arg(long, value_name = "FORMAT", default_value = "oci-archive")]
    format: Archive,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Archive {
    /// OCI image layout as a tar file
    OciArchive,
    /// What `docker load` reads
    DockerArchive,
}

pub(super) fn export(args: &ExportArgs) -> Result<(), Failure> {
    // Before root is given up.
    let file = create(&args.output)?;
    let kept = file.try_clone().map_err(|error| written(&args.output, &error))?;
    let done = match args.place.open(Reach::Records)? {
        Place::Here(images) => block_on(async {
            let tenant = args.place.tenant.as_deref().unwrap_or(TENANT);
            let format = match args.format {
                Archive::OciArchive => Format::Oci,
                Archive::DockerArchive => Format::Docker,
            };
            Ok(images.export(Some(tenant), &args.image, format, file).await?)
        }),
        Place::There(client) => block_on(fetch(&client, args, file)),
    };
    if done.is_err() {
        // Half an archive is none. A pipe has no length, and its reader sees the exit code.
        kept.set_len(0).ok();
    }
    done
}

async fn fetch(client: &Client, args: &ExportArgs, mut file: File) -> Result<(), Failure> {
    let format = args.format.to_possible_value();
    let format = format.as_ref().map_or("", |format| format.get_name());
    let pairs = [("reference", args.image.as_str()), ("format", format)];
    let call = Call::get(query("/images/export", pairs.into_iter().chain(args.place.pairs())));
    let mut answer = client.send(call).await?;
    while let Some(piece) = answer.piece(client.server()).await? {
        file.write_all(&piece).map_err(|error| written(&args.output, &error))?;
    }
    Ok(())
}

fn create(path: &Path) -> Result<File, Failure> {
    if path != Path::new("-") {
        return File::create(path).map_err(|error| written(path, &error));
    }
    if io::stdout().is_terminal() {
        return Err(
            Failure::new("stdout is a terminal").hint("name a file with `-o`, or pipe it into a program")
        );
    }
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    stdout.map(File::from).map_err(|error| written(path, &error))
}

fn written(path: &Path, error: &io::Error) -> Failure {
    Failure::caused(&format!("cannot write {}", path.display()), error).hint("name another file with `-o`")
}
