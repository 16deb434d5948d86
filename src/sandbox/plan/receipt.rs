//! What a plan comes to once it was carried out.

use model::{CgroupReceipt, IdMapReceipt, Receipt, SeccompReceipt};

use super::LaunchPlan;
use crate::host::HostCaps;

impl LaunchPlan {
    /// True once init has reported `Ready`: it stops at the first step that it cannot do.
    pub fn receipt(&self, host: &HostCaps, host_uid: u32) -> Receipt {
        let no_swap =
            self.cgroup.memory_bytes.is_some() && host.cgroup.controllers.iter().any(|c| c == "swap");
        Receipt {
            namespaces: self.namespaces.clone(),
            id_map: IdMapReceipt { kind: host.id_map, inside_uid: self.inside_id, host_uid },
            capabilities: Vec::new(),
            no_new_privs: true,
            nested_user_namespaces: self.nested_user_namespaces,
            seccomp: self.steps.iter().map(|step| self.seccomp_receipt(step.seccomp)).collect(),
            landlock_abi: self.landlock.as_ref().map(|l| l.abi),
            cgroup: CgroupReceipt {
                version: host.cgroup.version.clone(),
                controllers: host.cgroup.controllers.clone(),
            },
            root_filesystem: self.root.source.clone(),
            network: "none".into(),
            swap: if no_swap { "off" } else { "unlimited" }.into(),
            degraded: self.degraded.clone(),
        }
    }

    fn seccomp_receipt(&self, index: usize) -> SeccompReceipt {
        let plan = &self.seccomp[index];
        SeccompReceipt { profile: plan.profile.clone(), digest: plan.digest.clone() }
    }
}
