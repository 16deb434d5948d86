//! `patch`: changes of the job, in `mutate` alone.

use model::Hook;

use super::State;
use crate::bindings::patch::{Host, PatchError};
use crate::draft::{self, Draft, Rights};

type Answer = Result<(), PatchError>;

impl State {
    fn patch(
        &mut self,
        bytes: usize,
        change: impl Fn(&mut Draft, &Rights) -> Result<(), draft::PatchError> + Send + Sync + 'static,
    ) -> Answer {
        self.witness.act(bytes, move |view| {
            let done = if view.hook == Hook::Mutation {
                change(&mut view.draft, &view.policy.rights)
            } else {
                Err(draft::PatchError::NotNow)
            };
            done.map_err(refused)
        })
    }

    fn limit(&mut self, name: &'static str, value: u64) -> Answer {
        self.patch(0, move |draft, rights| draft.set_limit(rights, name, value))
    }
}

fn refused(error: draft::PatchError) -> PatchError {
    match error {
        draft::PatchError::Conflict => PatchError::Conflict,
        draft::PatchError::LoosensIsolation => PatchError::LoosensIsolation,
        draft::PatchError::InvalidValue => PatchError::InvalidValue,
        draft::PatchError::NoSuchField => PatchError::NoSuchField,
        draft::PatchError::NotNow => PatchError::NotNow,
    }
}

impl Host for State {
    fn set_cpu_time_ms(&mut self, value: u64) -> Answer {
        self.limit("cpu_time_ms", value)
    }

    fn set_wall_time_ms(&mut self, value: u64) -> Answer {
        self.limit("wall_time_ms", value)
    }

    fn set_memory_bytes(&mut self, value: u64) -> Answer {
        self.limit("memory_bytes", value)
    }

    fn set_pids(&mut self, value: u64) -> Answer {
        self.limit("pids", value)
    }

    fn set_output_bytes(&mut self, value: u64) -> Answer {
        self.limit("output_bytes", value)
    }

    fn set_disk_bytes(&mut self, value: u64) -> Answer {
        self.limit("disk_bytes", value)
    }

    fn set_open_files(&mut self, value: u64) -> Answer {
        self.limit("open_files", value)
    }

    fn set_file_bytes(&mut self, value: u64) -> Answer {
        self.limit("file_bytes", value)
    }

    fn set_stack_bytes(&mut self, value: u64) -> Answer {
        self.limit("stack_bytes", value)
    }

    fn set_cpu_millis(&mut self, value: u64) -> Answer {
        self.limit("cpus", value)
    }

    fn set_step_limit(&mut self, step: u32, name: String, value: u64) -> Answer {
        self.patch(name.len(), move |draft, rights| draft.set_step_limit(rights, step, &name, value))
    }

    fn set_env(&mut self, name: String, value: String) -> Answer {
        self.patch(name.len() + value.len(), move |draft, rights| draft.set_env(rights, &name, Some(&value)))
    }

    fn remove_env(&mut self, name: String) -> Answer {
        self.patch(name.len(), move |draft, rights| draft.set_env(rights, &name, None))
    }

    fn set_label(&mut self, key: String, value: String) -> Answer {
        self.patch(key.len() + value.len(), move |draft, rights| draft.set_label(rights, &key, Some(&value)))
    }

    fn remove_label(&mut self, key: String) -> Answer {
        self.patch(key.len(), move |draft, rights| draft.set_label(rights, &key, None))
    }

    fn set_profile(&mut self, name: String) -> Answer {
        self.patch(name.len(), move |draft, rights| draft.set_profile(rights, None, &name))
    }

    fn add_requirement(&mut self, layer: String) -> Answer {
        self.patch(layer.len(), move |draft, rights| draft.add_requirement(rights, &layer))
    }

    /// `none` is the only network there is, and there is less of nothing.
    fn deny_network(&mut self) -> Answer {
        self.patch(0, |_, _| Ok(()))
    }

    fn json_op(&mut self, operation: String) -> Answer {
        self.patch(operation.len(), move |draft, rights| draft.json_op(rights, &operation))
    }
}
