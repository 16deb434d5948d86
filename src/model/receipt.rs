use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the kernel was really made to enforce for one job. Built from the steps that init confirmed, so a layer listed
/// here was applied; one that was not is in `degraded`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// Such as `user` and `pid`.
    pub namespaces: Vec<String>,
    pub id_map: IdMapReceipt,
    /// The job's capabilities; always empty.
    pub capabilities: Vec<String>,
    pub no_new_privs: bool,
    /// Whether the job may make user namespaces of its own.
    pub nested_user_namespaces: bool,
    /// One entry per profile used, in the order of the steps.
    pub seccomp: Vec<SeccompReceipt>,
    /// ABI version in force; `null` where landlock is not.
    pub landlock_abi: Option<u32>,
    pub cgroup: CgroupReceipt,
    /// `host`, or `image`.
    pub root_filesystem: String,
    /// What the root filesystem was made of; `null` for `host`.
    pub image: Option<ImageReceipt>,
    pub volumes: Vec<VolumeReceipt>,
    pub network: String,
    /// `off`, or `unlimited` where no memory controller could be had.
    pub swap: String,
    /// Names of layers the operator allowed to be missing and that were missing.
    pub degraded: Vec<String>,
}

/// Whose ids the job really had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdMapReceipt {
    pub kind: IdMapKind,
    pub inside_uid: u32,
    /// The host user id that the job's files and processes carry.
    pub host_uid: u32,
}

/// How host user ids are given to jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdMapKind {
    /// A host id of its own for every job running at one time.
    PerSlot,
    /// The caller's own id for every job: no subuid range was there.
    Single,
    /// The ids of images: what belongs to a user in an image or a volume belongs to one host id, for all jobs over those.
    Image,
}

/// An image as it was mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageReceipt {
    pub reference: String,
    /// Of its manifest.
    #[schemars(regex(pattern = crate::schema::DIGEST))]
    pub digest: String,
    /// Digests of the layers' contents (`diff_id` of the OCI image specification), the lowest first.
    pub layers: Vec<String>,
}

/// A volume as it was mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeReceipt {
    pub name: String,
    pub path: String,
    pub read_only: bool,
    /// How its size is held to its limit: `at_end`, a volume found larger when a job ends is written to no more. No
    /// unprivileged process can set a quota on a directory (quotactl(2)).
    pub size_limit: String,
}

/// A filter of system calls in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeccompReceipt {
    pub profile: String,
    /// Of the profile's JSON, `sha256:…`.
    #[schemars(regex(pattern = crate::schema::DIGEST))]
    pub digest: String,
}

/// Where limits were counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CgroupReceipt {
    /// `v2`, `hybrid`, `v1` or `none`.
    #[schemars(extend("enum" = ["v2", "hybrid", "v1", "none"]))]
    pub version: String,
    pub controllers: Vec<String>,
}
