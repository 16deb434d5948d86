//! What a job without a server stands on, kept from being removed while it runs: its image and its volumes.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use daemon::Config;
use image::{Error, Images, Lease, Mounted, Pull, Resolved};
use model::{Committed, Happened, Image, JobRequest, JobSpec};
use sandbox::{ImageLayer, ImageRoot, Sources, Stores};
use supervise::{Changes, Supervisor, Watch};

use crate::args::{PullWhen, RunArgs};
use crate::output::{self, Failure};
use crate::place::TENANT;
use crate::progress::progress;

/// The folders, before root is given up.
#[derive(Debug)]
pub(super) struct Folders {
    state: PathBuf,
    pub(super) stores: Stores,
}

#[derive(Debug)]
pub(super) struct Ground {
    images: Images,
    image: Option<Image>,
    layers: Vec<ImageLayer>,
    _lease: Option<Lease>,
    /// And whether the job may write to it.
    volumes: Vec<(Mounted, bool)>,
}

impl Folders {
    /// Of a job that needs them.
    pub(super) fn needed(config: &Config, request: &JobRequest) -> Result<Option<Self>, Failure> {
        if request.image().is_none() && request.volumes.is_empty() {
            return Ok(None);
        }
        let state = daemon::state_dir(config)?;
        let stores = daemon::stores(&state)?;
        Ok(Some(Self { state, stores }))
    }

    /// By the daemon's user. The image is fetched where it has to be.
    pub(super) async fn open(
        &self,
        config: &Config,
        supervisor: &Supervisor,
        request: &JobRequest,
        args: &RunArgs,
    ) -> Result<Ground, Failure> {
        let images = daemon::images(config, &self.state, Some(supervisor.clone()))?;
        let (mut image, mut layers, mut lease) = (None, Vec::new(), None);
        if let Some(reference) = request.image() {
            let found = find(&images, reference, args).await?;
            (image, layers, lease) = (Some(found.image), found.layers, Some(found.lease));
        }
        Ok(Ground { images, image, layers, _lease: lease, volumes: Vec::new() })
    }
}

async fn find(images: &Images, reference: &str, args: &RunArgs) -> Result<Resolved, Failure> {
    // A dry run changes nothing.
    let pull = if args.dry_run { PullWhen::Never } else { args.pull };
    if pull != PullWhen::Always {
        match images.resolve(Some(TENANT), reference).await {
            Err(Error::ImageNotFound(_)) if pull == PullWhen::Missing => (),
            found => return Ok(found?),
        }
    }
    let wanted = Pull { reference: reference.to_owned(), tenant: None };
    images.pull(wanted, progress(args.json)).await?;
    Ok(images.resolve(Some(TENANT), reference).await?)
}

impl Ground {
    pub(super) fn image(&self) -> Option<&Image> {
        self.image.as_ref()
    }

    /// For a plan that is only looked at: volumes that are not there yet are not made for it.
    pub(super) fn preview(&self, spec: &JobSpec) -> Sources {
        Sources { image: self.root(), volumes: spec.volumes.iter().map(|_| String::new()).collect() }
    }

    pub(super) async fn mount(&mut self, spec: &JobSpec) -> Result<Sources, Failure> {
        for volume in &spec.volumes {
            let mounted = self.images.volumes().mount(TENANT, &volume.name, volume.read_only).await?;
            self.volumes.push((mounted, !volume.read_only));
        }
        let folders = self.volumes.iter().map(|(mounted, _)| mounted.id.clone());
        Ok(Sources { image: self.root(), volumes: folders.collect() })
    }

    fn root(&self) -> Option<ImageRoot> {
        let image = self.image.as_ref()?;
        let (reference, digest) = (image.reference.clone(), image.digest.clone());
        Some(ImageRoot { reference, digest, layers: self.layers.clone() })
    }

    /// Of a job that has succeeded, if it asked for it.
    pub(super) async fn commit(
        &self,
        spec: &JobSpec,
        changed: &Changed,
    ) -> Result<Option<Committed>, Failure> {
        let Some(commit) = &spec.commit else { return Ok(None) };
        let changes = changed.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (upper, workspace) = changes.map(|Changes { root, workspace }| (root, workspace)).unzip();
        let upper =
            upper.flatten().ok_or_else(|| Failure::new("the job did not hand out what it changed"))?;
        let changes = image::Changes {
            base: spec.image_digest.clone(),
            upper,
            workspace: workspace.filter(|_| commit.workspace),
            user: spec.user,
            name: commit.image.clone(),
            tenant: None,
        };
        let made = self.images.commit(changes).await?;
        Ok(Some(Committed { reference: made.name, digest: made.digest }))
    }

    /// The job has ended: what it may have written to is measured.
    pub(super) async fn end(self) {
        for (mounted, _) in self.volumes.iter().filter(|(_, written)| *written) {
            if let Err(error) = self.images.volumes().measured(&mounted.id).await {
                output::note(format!("a volume was not measured: {error}"));
            }
        }
    }
}

/// Keeps what the job has changed until it is packed.
#[derive(Debug, Default)]
pub(super) struct Changed(Mutex<Option<Changes>>);

impl Watch for Changed {
    fn happened(&self, _: Happened) {}

    fn changes(&self, changes: Changes) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(changes);
    }
}
