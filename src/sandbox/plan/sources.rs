//! Images and volumes under a job, and whose ids it has because of them.

use model::{IdMapKind, JobSpec};
use serde::{Deserialize, Serialize};

use super::{IdMap, Ids, NOBODY, PlanError};
use crate::host::HostCaps;

/// An image as overlayfs sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRoot {
    pub reference: String,
    /// Of its manifest.
    pub digest: String,
    /// The topmost first.
    pub layers: Vec<ImageLayer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLayer {
    /// Its folder among the launcher's layers.
    pub id: String,
    /// `diff_id` of the OCI image specification.
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumePlan {
    pub name: String,
    /// Its folder among the launcher's volumes.
    pub id: String,
    pub path: String,
    pub read_only: bool,
}

/// What of the host's stores a job stands on: looked up before it is planned.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub image: Option<ImageRoot>,
    /// Folders of the job's volumes, in its order.
    pub volumes: Vec<String>,
}

/// Files of images and volumes have ids that outlive jobs, so a job over them has these instead of one of its slot.
pub(super) fn ids(spec: &JobSpec, host: &HostCaps, sources: &Sources) -> Result<Ids, PlanError> {
    let stored = sources.image.is_some() || !sources.volumes.is_empty();
    let map = if stored { IdMap::Image } else { IdMap::Slot };
    let fits = |id: u32| id + 1 < host.image_ids || id == NOBODY;
    if map == IdMap::Image && host.id_map == IdMapKind::PerSlot && !(fits(spec.user) && fits(spec.group)) {
        return Err(PlanError {
            layer: "id_map".into(),
            detail: format!(
                "the job's user or group is not among the {} that this host has for images",
                host.image_ids
            ),
            remedy: "give the user that runs Stockade a larger range in /etc/subuid and /etc/subgid".into(),
            require_index: None,
        });
    }
    Ok(Ids { user: spec.user, group: spec.group, map })
}

pub(super) fn volumes(spec: &JobSpec, sources: &Sources) -> Result<Vec<VolumePlan>, PlanError> {
    if spec.volumes.len() != sources.volumes.len() {
        return Err(PlanError {
            layer: "volumes".into(),
            detail: "this host keeps no volumes".into(),
            remedy: "run the job through `stockade serve` or `stockade run` with a state directory".into(),
            require_index: None,
        });
    }
    let planned = spec.volumes.iter().zip(&sources.volumes).map(|(volume, id)| VolumePlan {
        name: volume.name.clone(),
        id: id.clone(),
        path: volume.path.clone(),
        read_only: volume.read_only,
    });
    Ok(planned.collect())
}
