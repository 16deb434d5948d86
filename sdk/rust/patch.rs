//! Grant `patch`: change the job, in the hook `mutation`.
//!
//! A change may only tighten what the job may do, unless the bundle grants `loosen`; and only the first policy that changes
//! a field may change it, unless the bundle grants `override`. Nothing is changed where the call ends in a denial.

use alloc::format;
use alloc::string::String;

use crate::Limit;
pub use crate::bindings::stockade::policy::patch::PatchError as Reason;
use crate::host::patch;

/// A change that was refused. With `?` it becomes a [`Denial`](crate::Denial).
#[derive(Clone, Debug)]
pub struct PatchError {
    reason: Reason,
    pointer: String,
}

impl PatchError {
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The field, as a JSON pointer into the job document; empty where it is not one field.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// For the denial: `patch-conflict`, `patch-loosens-isolation`, …
    pub fn code(&self) -> &'static str {
        match self.reason {
            Reason::Conflict => "patch-conflict",
            Reason::LoosensIsolation => "patch-loosens-isolation",
            Reason::InvalidValue => "patch-invalid-value",
            Reason::NoSuchField => "patch-no-such-field",
            Reason::NotNow => "patch-not-now",
        }
    }

    pub fn message(&self) -> &'static str {
        match self.reason {
            Reason::Conflict => "another policy has already changed this field",
            Reason::LoosensIsolation => "the change would allow the job more than it asked for",
            Reason::InvalidValue => "no job can have the value that this policy would give",
            Reason::NoSuchField => "policies cannot change this field",
            Reason::NotNow => "a job can only be changed in the hook `mutation`",
        }
    }
}

/// The pointer is only made where something was refused: most changes are not.
fn at<P: Into<String>>(pointer: impl FnOnce() -> P) -> impl FnOnce(Reason) -> PatchError {
    move |reason| PatchError { reason, pointer: pointer().into() }
}

/// Lowers every step that is above `value` to it. A `value` above all of them is given to all of them, and loosens.
pub fn set_limit(limit: Limit, value: u64) -> Result<(), PatchError> {
    match limit {
        Limit::CpuTimeMs => patch::set_cpu_time_ms(value),
        Limit::WallTimeMs => patch::set_wall_time_ms(value),
        Limit::MemoryBytes => patch::set_memory_bytes(value),
        Limit::Pids => patch::set_pids(value),
        Limit::OutputBytes => patch::set_output_bytes(value),
        Limit::DiskBytes => patch::set_disk_bytes(value),
        Limit::OpenFiles => patch::set_open_files(value),
        Limit::FileBytes => patch::set_file_bytes(value),
        Limit::StackBytes => patch::set_stack_bytes(value),
        Limit::CpuMillis => patch::set_cpu_millis(value),
    }
    .map_err(at(|| match limit {
        Limit::DiskBytes => "/limits/disk_bytes".into(),
        limit => format!("/steps/0/limits/{limit}"),
    }))
}

/// One limit of one step; not [`Limit::DiskBytes`], which is the job's.
pub fn set_step_limit(step: u32, limit: Limit, value: u64) -> Result<(), PatchError> {
    patch::set_step_limit(step, limit.name(), value).map_err(at(|| format!("/steps/{step}/limits/{limit}")))
}

/// In every step.
pub fn set_env(name: &str, value: &str) -> Result<(), PatchError> {
    patch::set_env(name, value).map_err(at(|| ""))
}

/// In every step.
pub fn remove_env(name: &str) -> Result<(), PatchError> {
    patch::remove_env(name).map_err(at(|| ""))
}

pub fn set_label(key: &str, value: &str) -> Result<(), PatchError> {
    patch::set_label(key, value).map_err(at(|| crate::fmt::pointer(&["labels", key])))
}

pub fn remove_label(key: &str) -> Result<(), PatchError> {
    patch::remove_label(key).map_err(at(|| crate::fmt::pointer(&["labels", key])))
}

/// The seccomp profile of every step. `strict` is tighter than `default`, `default` than `build`; any other change loosens.
pub fn set_profile(name: &str) -> Result<(), PatchError> {
    patch::set_profile(name).map_err(at(|| ""))
}

/// Adds a layer that the job must not run without, such as `cgroup.memory`.
pub fn add_requirement(layer: &str) -> Result<(), PatchError> {
    patch::add_requirement(layer).map_err(at(|| "/require"))
}

/// Takes the job's network away.
pub fn deny_network() -> Result<(), PatchError> {
    patch::deny_network().map_err(at(|| "/network"))
}

/// One operation of a JSON Patch (RFC 6902) on the job document, as JSON text.
pub fn json_op(operation: &str) -> Result<(), PatchError> {
    patch::json_op(operation).map_err(at(|| ""))
}
