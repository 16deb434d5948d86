//! The hooks that a policy has: where they are in its component, and in one instance of it.

use model::Hook;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Error, Result, Store};

use crate::bindings::{connection, mutation, on_exited, on_started, pre_start, validation};
use crate::host::State;

/// Where each hook is in an instance; `None` where the component does not have the hook, or the bundle does not want it.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) mutation: Option<mutation::HookMutationIndices>,
    pub(crate) validation: Option<validation::HookValidationIndices>,
    pub(crate) pre_start: Option<pre_start::HookPreStartIndices>,
    pub(crate) on_started: Option<on_started::HookOnStartedIndices>,
    pub(crate) on_exited: Option<on_exited::HookOnExitedIndices>,
    pub(crate) connection: Option<connection::HookConnectionIndices>,
}

/// The hooks of one instance, found and their types checked: as much work as many an answer.
pub(crate) struct Entries {
    /// For what is no hook.
    pub(crate) instance: Instance,
    mutation: Option<mutation::HookMutation>,
    validation: Option<validation::HookValidation>,
    pre_start: Option<pre_start::HookPreStart>,
    on_started: Option<on_started::HookOnStarted>,
    on_exited: Option<on_exited::HookOnExited>,
    connection: Option<connection::HookConnection>,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries").finish_non_exhaustive()
    }
}

impl Hooks {
    pub(crate) fn of(pre: &InstancePre<State>) -> Self {
        Self {
            mutation: mutation::HookMutationIndices::new(pre).ok(),
            validation: validation::HookValidationIndices::new(pre).ok(),
            pre_start: pre_start::HookPreStartIndices::new(pre).ok(),
            on_started: on_started::HookOnStartedIndices::new(pre).ok(),
            on_exited: on_exited::HookOnExitedIndices::new(pre).ok(),
            connection: connection::HookConnectionIndices::new(pre).ok(),
        }
    }

    /// Those of them that are wanted.
    pub(crate) fn only(self, wanted: impl Fn(Hook) -> bool) -> Self {
        Self {
            mutation: self.mutation.filter(|_| wanted(Hook::Mutation)),
            validation: self.validation.filter(|_| wanted(Hook::Validation)),
            pre_start: self.pre_start.filter(|_| wanted(Hook::PreStart)),
            on_started: self.on_started.filter(|_| wanted(Hook::OnStarted)),
            on_exited: self.on_exited.filter(|_| wanted(Hook::OnExited)),
            connection: self.connection.filter(|_| wanted(Hook::Connection)),
        }
    }

    pub(crate) fn has(&self, hook: Hook) -> bool {
        match hook {
            Hook::Mutation => self.mutation.is_some(),
            Hook::Validation => self.validation.is_some(),
            Hook::PreStart => self.pre_start.is_some(),
            Hook::OnStarted => self.on_started.is_some(),
            Hook::OnExited => self.on_exited.is_some(),
            Hook::Connection => self.connection.is_some(),
        }
    }

    pub(crate) fn names(&self) -> Vec<Hook> {
        let all = [
            Hook::Mutation,
            Hook::Validation,
            Hook::PreStart,
            Hook::OnStarted,
            Hook::OnExited,
            Hook::Connection,
        ];
        all.into_iter().filter(|hook| self.has(*hook)).collect()
    }

    /// Names are known before there is an instance; the types of functions only of one.
    pub(crate) fn enter(&self, store: &mut Store<State>, instance: Instance) -> Result<Entries> {
        Ok(Entries {
            instance,
            mutation: self.mutation.as_ref().map(|at| at.load(&mut *store, &instance)).transpose()?,
            validation: self.validation.as_ref().map(|at| at.load(&mut *store, &instance)).transpose()?,
            pre_start: self.pre_start.as_ref().map(|at| at.load(&mut *store, &instance)).transpose()?,
            on_started: self.on_started.as_ref().map(|at| at.load(&mut *store, &instance)).transpose()?,
            on_exited: self.on_exited.as_ref().map(|at| at.load(&mut *store, &instance)).transpose()?,
            connection: self.connection.as_ref().map(|at| at.load(&mut *store, &instance)).transpose()?,
        })
    }
}

impl Entries {
    pub(crate) fn mutation(&self) -> Result<&mutation::exports::stockade::policy::mutation::Guest> {
        there(self.mutation.as_ref()).map(mutation::HookMutation::stockade_policy_mutation)
    }

    pub(crate) fn validation(&self) -> Result<&validation::exports::stockade::policy::validation::Guest> {
        there(self.validation.as_ref()).map(validation::HookValidation::stockade_policy_validation)
    }

    pub(crate) fn pre_start(&self) -> Result<&pre_start::exports::stockade::policy::pre_start::Guest> {
        there(self.pre_start.as_ref()).map(pre_start::HookPreStart::stockade_policy_pre_start)
    }

    pub(crate) fn on_started(&self) -> Result<&on_started::exports::stockade::policy::on_started::Guest> {
        there(self.on_started.as_ref()).map(on_started::HookOnStarted::stockade_policy_on_started)
    }

    pub(crate) fn on_exited(&self) -> Result<&on_exited::exports::stockade::policy::on_exited::Guest> {
        there(self.on_exited.as_ref()).map(on_exited::HookOnExited::stockade_policy_on_exited)
    }

    pub(crate) fn connection(&self) -> Result<&connection::exports::stockade::policy::connection::Guest> {
        there(self.connection.as_ref()).map(connection::HookConnection::stockade_policy_connection)
    }
}

/// A policy is only asked at hooks that it has; if it ever is at another, that is no answer.
fn there<T>(entry: Option<T>) -> Result<T> {
    entry.ok_or_else(|| Error::msg("it was asked at a hook that it does not have"))
}
