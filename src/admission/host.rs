//! What a policy can ask: the imports of the contract, answered from one call's [`State`]. All of it is in memory; nothing
//! here can block, because a call's deadline does not reach into the host. What may take long with a large job looks at the
//! time itself (`View::in_time`).

use std::sync::atomic::Ordering::Relaxed;

use serde_json::Value;
use wasmtime::component::Linker;
use wasmtime::{ResourceLimiter, Result};

use crate::bindings;
use crate::bundle::Grant;
use crate::call::Host;
use crate::document;
use crate::witness::{Answer, View, Witness};

mod base;
mod granted;
mod job;
mod patch;
mod search;

/// One call's world.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) witness: Witness,
    pub(crate) bounds: Bounds,
    /// Made when it is first asked for.
    documents: Documents,
    log_lines: u32,
    /// Whether the policy has asked for anything that is not the same for all its calls.
    pub(crate) has_asked: bool,
}

#[derive(Debug, Default)]
struct Documents {
    job: Option<(u64, usize, Value)>,
    container: Option<Value>,
    outcome: Option<Value>,
}

impl State {
    /// Of a call that nobody notes down.
    pub(crate) fn new(view: View) -> Self {
        Self::witnessed(view, false)
    }

    pub(crate) fn witnessed(view: View, notes: bool) -> Self {
        let bounds = Bounds::new(view.policy.memory);
        let witness = Witness::new(view, notes);
        Self { witness, bounds, documents: Documents::default(), log_lines: 0, has_asked: false }
    }

    /// What takes no arguments.
    fn ask<T: Answer>(&mut self, of: impl Fn(&View) -> T + Send + Sync + 'static) -> T {
        self.witness.ask(0, of)
    }
}

/// Memory and tables of one call. wasmtime asks before either grows.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    memory: usize,
    used: usize,
    exceeded: Option<String>,
}

/// Table entries of one call: an interpreter has 30,000.
const MAX_TABLE_ELEMENTS: usize = 40_000;
const MAX_INSTANCES: usize = 64;

impl Bounds {
    pub(crate) fn new(memory: usize) -> Self {
        Self { memory, used: 0, exceeded: None }
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// What it wanted too much of.
    pub(crate) fn exceeded(&self) -> Option<&str> {
        self.exceeded.as_deref()
    }
}

impl ResourceLimiter for Bounds {
    /// All memories of the component together.
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let used = self.used + desired.saturating_sub(current);
        if used > self.memory {
            let wanted = format!("it wanted more than {} bytes of memory", self.memory);
            return Err(wasmtime::Error::msg(self.exceeded.insert(wanted).clone()));
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        if desired > MAX_TABLE_ELEMENTS {
            let wanted = format!("it wanted a table of more than {MAX_TABLE_ELEMENTS} entries");
            return Err(wasmtime::Error::msg(self.exceeded.insert(wanted).clone()));
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        8
    }
}

/// A linker that has just what is granted: anything else that a component imports keeps it from being loaded.
pub(crate) fn linker(engine: &wasmtime::Engine, grants: &[Grant]) -> Result<Linker<State>> {
    use bindings::{
        call, container, facts, job, job_env, job_files, kv, log, metrics, outcome, patch, types,
    };
    let mut linker = Linker::new(engine);
    types::add_to_linker::<_, Host>(&mut linker, same)?;
    log::add_to_linker::<_, Host>(&mut linker, same)?;
    call::add_to_linker::<_, Host>(&mut linker, |state| state)?;
    job::add_to_linker::<_, Host>(&mut linker, same)?;
    container::add_to_linker::<_, Host>(&mut linker, same)?;
    outcome::add_to_linker::<_, Host>(&mut linker, same)?;
    for grant in grants {
        match grant {
            Grant::Patch => patch::add_to_linker::<_, Host>(&mut linker, same)?,
            Grant::JobEnv => job_env::add_to_linker::<_, Host>(&mut linker, same)?,
            Grant::JobFiles => job_files::add_to_linker::<_, Host>(&mut linker, same)?,
            Grant::Metrics => metrics::add_to_linker::<_, Host>(&mut linker, same)?,
            Grant::Facts => facts::add_to_linker::<_, Host>(&mut linker, same)?,
            Grant::Kv => kv::add_to_linker::<_, Host>(&mut linker, same)?,
            Grant::Loosen | Grant::Override => (),
        }
    }
    Ok(linker)
}

/// A store's data is the host of every interface. Every call of the host comes by here, but for those of `call`, some of
/// which may be asked before there is a job.
fn same(state: &mut State) -> &mut State {
    state.has_asked = true;
    state
}

impl bindings::types::Host for State {}

/// Cut at a character, so that it stays text. Whoever keeps it keeps no more than that.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.shrink_to_fit();
    }
    text
}

/// For a reader or a log: one line, whatever a policy says.
pub(crate) fn line(text: String, most: usize) -> String {
    let text = cut(text, most);
    if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

impl State {
    fn drop_log_line(&mut self) {
        self.witness.tell(0, |view| {
            view.policy.stats.dropped_log_lines.fetch_add(1, Relaxed);
        });
    }

    fn job_document(&mut self) -> (&View, &Value) {
        let view = self.witness.look();
        let state = (view.draft.version(), view.draft.pending());
        let fresh =
            matches!(&self.documents.job, Some((version, pending, _)) if (*version, *pending) == state);
        if !fresh {
            self.documents.job = None;
        }
        let make = || (state.0, state.1, document::made(view.spec(), &view.about, &|| view.in_time()));
        (view, &self.documents.job.get_or_insert_with(make).2)
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, line};

    #[test]
    fn a_policys_text_is_one_line() {
        assert_eq!(line("no\nERROR forged \u{1b}[31m\r".into(), 64), "no ERROR forged  [31m ");
        assert_eq!(cut("größe".into(), 3), "gr");
        assert!(cut("x".repeat(1000), 3).capacity() < 1000);
    }
}
