//! What a job stands on, looked up once, and kept from being removed for as long as the job is there.

use image::{Error, Images, Lease, Mounted, Resolved};
use model::{FieldError, JobSpec, pointer};
use sandbox::{ImageRoot, Sources};

use crate::problem::Problem;

#[derive(Debug)]
pub(crate) struct Held {
    images: Images,
    sources: Sources,
    _image: Option<Lease>,
    /// And whether the job may write to it.
    volumes: Vec<(Mounted, bool)>,
}

/// The image that a request names.
pub(crate) async fn image(images: &Images, tenant: &str, reference: &str) -> Result<Resolved, Problem> {
    images.resolve(Some(tenant), reference).await.map_err(|error| at(&["image"], error))
}

/// For a plan that is only looked at: volumes that are not there yet are not made for it.
pub(crate) fn preview(spec: &JobSpec, image: Option<Resolved>) -> Sources {
    let volumes = spec.volumes.iter().map(|_| String::new()).collect();
    Sources { image: image.map(|resolved| root(resolved).0), volumes }
}

fn root(resolved: Resolved) -> (ImageRoot, Lease) {
    let Resolved { image, layers, lease } = resolved;
    (ImageRoot { reference: image.reference, digest: image.digest, layers }, lease)
}

impl Held {
    pub(crate) async fn take(
        images: &Images,
        tenant: &str,
        spec: &JobSpec,
        image: Option<Resolved>,
    ) -> Result<Self, Problem> {
        let mut volumes = Vec::with_capacity(spec.volumes.len());
        for (i, volume) in spec.volumes.iter().enumerate() {
            let mounted = images.volumes().mount(tenant, &volume.name, volume.read_only).await;
            let mounted = mounted.map_err(|error| at(&["volumes", &i.to_string(), "name"], error))?;
            volumes.push((mounted, !volume.read_only));
        }
        let (root, lease) = image.map(root).unzip();
        let folders = volumes.iter().map(|(mounted, _)| mounted.id.clone()).collect();
        let sources = Sources { image: root, volumes: folders };
        Ok(Self { images: images.clone(), sources, _image: lease, volumes })
    }

    /// Of a job that an earlier server took in.
    pub(crate) async fn again(images: &Images, tenant: &str, spec: &JobSpec) -> Result<Self, Problem> {
        let image = match &spec.image_digest {
            None => None,
            Some(digest) => Some(image(images, tenant, digest).await?),
        };
        Self::take(images, tenant, spec, image).await
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The job has ended, and lets go of all. What it may have written to is measured, which nobody waits for.
    pub(crate) fn end(self) {
        let written = self.volumes.into_iter().filter(|(_, written)| *written);
        let written: Vec<_> = written.map(|(mounted, _)| mounted.id).collect();
        if written.is_empty() {
            return;
        }
        let images = self.images;
        tokio::spawn(async move {
            for id in written {
                if let Err(error) = images.volumes().measured(&id).await {
                    tracing::warn!(volume = id, "a volume was not measured: {error}");
                }
            }
        });
    }
}

/// What is wrong with what the request names is told at the place that names it.
fn at(place: &[&str], error: Error) -> Problem {
    match error {
        Error::ImageNotFound(_)
        | Error::InvalidReference { .. }
        | Error::InvalidName(_)
        | Error::VolumeFull { .. } => {
            let detail = error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}: {hint}"));
            vec![FieldError { pointer: pointer(place), code: error.code(), detail }].into()
        }
        error => error.into(),
    }
}
