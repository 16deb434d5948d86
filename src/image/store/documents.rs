//! The JSON of images: OCI image-spec 1.1, and Docker's image manifest version 2, schema 2, which has the same members.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, History, ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::{Deserialize, Serialize};

use super::Hex;
use super::blobs::LARGEST_DOCUMENT;
use crate::Error;
use crate::tool::{Compression, Expected};

/// What a job's overlay takes: its layers' names must fit into one page, mount(2).
pub(crate) const MOST_LAYERS: usize = 128;

const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// What a digest or a tag stands for.
#[derive(Clone, Debug)]
pub(crate) enum Document {
    Image(Box<ImageManifest>),
    /// To be chosen from: [`choose`].
    Index(Box<ImageIndex>),
}

impl Document {
    /// `media_type` as it was sent or referred to; the document's own word, where it has one, must not be another.
    pub(crate) fn parse(bytes: &[u8], media_type: Option<&str>) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            schema_version: u32,
            media_type: Option<String>,
            manifests: Option<serde::de::IgnoredAny>,
        }
        let head: Head = parse("a manifest", bytes)?;
        let unsupported = |found: &str| Error::UnsupportedMediaType {
            what: "the manifest".into(),
            found: format!("{found:.200}"),
        };
        if head.schema_version != 2 {
            return Err(unsupported("application/vnd.docker.distribution.manifest.v1+json"));
        }
        let of_index = head.manifests.is_some();
        // A generic type, `application/json` say, does not count; CVE-2021-41190 is about the two that do.
        for said in [head.media_type.as_deref(), media_type].into_iter().flatten() {
            let index = match said {
                "application/vnd.oci.image.index.v1+json" | DOCKER_LIST => true,
                "application/vnd.oci.image.manifest.v1+json" | DOCKER => false,
                other if other.contains(".manifest.") || other.contains(".index.") => {
                    return Err(unsupported(other));
                }
                _ => of_index,
            };
            if index != of_index {
                return Err(Error::malformed(format!("a manifest that is not the {said} that it says")));
            }
        }
        if of_index {
            return Ok(Self::Index(parse("an index", bytes)?));
        }
        Ok(Self::Image(parse("a manifest", bytes)?))
    }
}

/// The manifest for this host. What it leads to may be an index once more; a third is refused by who follows it.
pub(crate) fn choose(index: &ImageIndex) -> Result<&Descriptor, Error> {
    let wanted = architecture();
    let suitable = index.manifests().iter().filter_map(|entry| {
        let fits = entry.platform().as_ref().is_none_or(|platform| {
            platform.os().to_string() == "linux" && platform.architecture().to_string() == wanted
        });
        let variant = entry.platform().as_ref().and_then(|platform| platform.variant().as_deref());
        fits.then(|| ((entry.platform().is_none(), rank(wanted, variant)), entry))
    });
    let best = suitable.min_by_key(|(rank, _)| *rank).map(|(_, entry)| entry);
    best.ok_or_else(|| {
        let there = index.manifests().iter().filter_map(|entry| entry.platform().as_ref());
        let mut there: Vec<_> = there
            .map(|of| platform(&of.os().to_string(), &of.architecture().to_string(), of.variant().as_deref()))
            .filter(|platform| !platform.starts_with("unknown"))
            .collect();
        there.truncate(32);
        Error::NoPlatform { wanted: format!("linux/{wanted}"), there }
    })
}

/// As `GOARCH` has it.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

/// The least that asks for no more than every machine of the architecture has comes first.
fn rank(architecture: &str, variant: Option<&str>) -> u8 {
    match (architecture, variant) {
        (_, None) | ("amd64", Some("v1")) | ("arm64", Some("v8")) | ("arm", Some("v7")) => 0,
        ("arm", Some("v6")) => 1,
        ("arm", Some("v5")) => 2,
        ("amd64", Some("v2")) => 3,
        _ => 4,
    }
}

fn platform(os: &str, architecture: &str, variant: Option<&str>) -> String {
    let variant = variant.map(|variant| format!("/{variant}")).unwrap_or_default();
    format!("{os}/{architecture}{variant}")
}

/// An image's own account, as far as it is used.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) diff_ids: Vec<String>,
    pub(crate) platform: String,
    pub(crate) created: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) history: Vec<History>,
    pub(crate) setup: Setup,
}

/// What a job takes over where its request says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) env: Vec<(String, String)>,
    pub(crate) user: String,
    pub(crate) workdir: String,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) command: Vec<String>,
    pub(crate) passwd: String,
    pub(crate) group: String,
}

impl Config {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let config: ImageConfiguration = parse("the config of an image", bytes)?;
        let os = config.os().to_string();
        if os != "linux" {
            let there = vec![platform(&os, &config.architecture().to_string(), None)];
            return Err(Error::NoPlatform { wanted: format!("linux/{}", architecture()), there });
        }
        let diff_ids = config.rootfs().diff_ids().clone();
        for diff_id in &diff_ids {
            Hex::parse(diff_id)?;
        }
        let platform = platform(&os, &config.architecture().to_string(), config.variant().as_deref());
        let created = config.created().clone();
        let history = config.history().clone().unwrap_or_default();
        let run = config.config().clone().unwrap_or_default();
        let env = run.env().iter().flatten().filter_map(|entry| entry.split_once('='));
        let setup = Setup {
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            user: run.user().clone().unwrap_or_default(),
            workdir: run.working_dir().clone().unwrap_or_default(),
            entrypoint: run.entrypoint().clone().unwrap_or_default(),
            command: run.cmd().clone().unwrap_or_default(),
            passwd: String::new(),
            group: String::new(),
        };
        let labels = run.labels().clone().unwrap_or_default().into_iter().collect();
        Ok(Self { diff_ids, platform, created, labels, history, setup })
    }
}

/// Those of a manifest, the lowest first, if there is nothing to say against it.
pub(crate) fn layers(manifest: &ImageManifest) -> Result<Vec<Descriptor>, Error> {
    if manifest.layers().len() > MOST_LAYERS {
        let what = format!("an image of {} layers", manifest.layers().len());
        return Err(Error::TooLarge { what, allowed: MOST_LAYERS as u64 });
    }
    match manifest.config().media_type() {
        MediaType::ImageConfig => (),
        MediaType::Other(other) if other == DOCKER_CONFIG => (),
        other => {
            return Err(Error::UnsupportedMediaType { what: "the config".into(), found: other.to_string() });
        }
    }
    expected_document(manifest.config())?;
    for layer in manifest.layers() {
        compression(layer.media_type())?;
        expected(layer)?;
    }
    Ok(manifest.layers().clone())
}

/// Layers that may not be passed on are fetched from elsewhere, by addresses that an image chooses: not here.
pub(crate) fn compression(layer: &MediaType) -> Result<Compression, Error> {
    match layer.as_ref() {
        "application/vnd.oci.image.layer.v1.tar" | "application/vnd.docker.image.rootfs.diff.tar" => {
            Ok(Compression::Plain)
        }
        "application/vnd.oci.image.layer.v1.tar+gzip"
        | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
            // Some registries have had plain ones under this name.
            Ok(Compression::Unknown)
        }
        "application/vnd.oci.image.layer.v1.tar+zstd"
        | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Ok(Compression::Zstd),
        other => Err(Error::UnsupportedMediaType { what: "a layer".into(), found: format!("{other:.200}") }),
    }
}

pub(crate) fn expected(of: &Descriptor) -> Result<Expected, Error> {
    let hex = Hex::parse(of.digest().as_ref())?;
    Ok(Expected { digest: hex.digest(), size: of.size() })
}

pub(crate) fn expected_document(of: &Descriptor) -> Result<Expected, Error> {
    let expected = expected(of)?;
    if expected.size > LARGEST_DOCUMENT {
        return Err(Error::TooLarge { what: expected.digest, allowed: LARGEST_DOCUMENT });
    }
    Ok(expected)
}

pub(crate) fn parse<T: for<'a> Deserialize<'a>>(what: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::malformed(format!("{what}: {error}")))
}
