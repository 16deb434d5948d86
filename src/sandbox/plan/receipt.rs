//! What a plan comes to once it was carried out.

use model::{
    CgroupReceipt, HOST_IMAGE, IdMapKind, IdMapReceipt, ImageReceipt, Receipt, SeccompReceipt, VolumeReceipt,
};

use super::{IdMap, LaunchPlan};
use crate::host::HostCaps;

impl LaunchPlan {
    /// True once init has reported `Ready`: it stops at the first step that it cannot do.
    pub fn receipt(&self, host: &HostCaps, host_uid: u32) -> Receipt {
        let no_swap =
            self.cgroup.memory_bytes.is_some() && host.cgroup.controllers.iter().any(|c| c == "swap");
        Receipt {
            namespaces: self.namespaces.clone(),
            id_map: IdMapReceipt { kind: self.id_map(host), inside_uid: self.ids.user, host_uid },
            capabilities: Vec::new(),
            no_new_privs: true,
            nested_user_namespaces: self.nested_user_namespaces,
            seccomp: self.steps.iter().map(|step| self.seccomp_receipt(step.seccomp)).collect(),
            landlock_abi: self.landlock.as_ref().map(|l| l.abi),
            cgroup: CgroupReceipt {
                version: host.cgroup.version.clone(),
                controllers: host.cgroup.controllers.clone(),
            },
            root_filesystem: if self.root.image.is_some() { "image" } else { HOST_IMAGE }.into(),
            image: self.image_receipt(),
            volumes: self.volume_receipts(),
            network: "none".into(),
            swap: if no_swap { "off" } else { "unlimited" }.into(),
            degraded: self.degraded.clone(),
        }
    }

    /// Where there is but one id, images and volumes have it too.
    fn id_map(&self, host: &HostCaps) -> IdMapKind {
        match (host.id_map, self.ids.map) {
            (IdMapKind::PerSlot, IdMap::Image) => IdMapKind::Image,
            (kind, _) => kind,
        }
    }

    fn image_receipt(&self) -> Option<ImageReceipt> {
        let image = self.root.image.as_ref()?;
        let layers = image.layers.iter().rev().map(|layer| layer.digest.clone()).collect();
        Some(ImageReceipt { reference: image.reference.clone(), digest: image.digest.clone(), layers })
    }

    fn volume_receipts(&self) -> Vec<VolumeReceipt> {
        let receipts = self.volumes.iter().map(|volume| VolumeReceipt {
            name: volume.name.clone(),
            path: volume.path.clone(),
            read_only: volume.read_only,
            size_limit: "at_end".into(),
        });
        receipts.collect()
    }

    fn seccomp_receipt(&self, index: usize) -> SeccompReceipt {
        let plan = &self.seccomp[index];
        SeccompReceipt { profile: plan.profile.clone(), digest: plan.digest.clone() }
    }
}
