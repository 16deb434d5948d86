//! One call of one hook: an instance that nobody has used, a deadline, bounds on everything, and dropped after it. Or none,
//! where it is known what the policy would say.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use model::Failure;
use wasmtime::component::HasSelf;
use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

use crate::ahead::Stock;
use crate::bindings::types::{Denial, Notes};
use crate::draft::Draft;
use crate::engine::Clock;
use crate::hooks::Entries;
use crate::host::{Bounds, State};
use crate::policy::Policy;
use crate::recall::Recall;
use crate::witness::{Answer, Steps, View};

/// What one host call may copy out of a policy, and what one answer may hold.
const HOSTCALL_BYTES: usize = 2 << 20;
/// Who holds the thread for longer lets others have its work.
const LONG: Duration = Duration::from_millis(2);
/// For one of them to wake up and take it.
const MAKE_WAY: Duration = Duration::from_micros(50);
/// There are no resources in the contract.
const MAX_HANDLES: usize = 16;

/// What one call needs besides its policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) clock: &'a Clock,
    /// Where instances may be ready.
    pub(crate) stock: Option<&'a Stock>,
    /// Whether what a policy has said before may be given again.
    pub(crate) recalls: bool,
    /// Since when the thread is at it, with whatever was asked before.
    pub(crate) began: Instant,
    pub(crate) aside: Aside,
}

/// See [`crate::Options::aside`].
pub(crate) type Aside = fn(&mut dyn FnMut());

pub(crate) fn aside<T>(how: Aside, work: impl FnOnce() -> T) -> T {
    let (mut work, mut done) = (Some(work), None);
    how(&mut || done = work.take().map(|work| work()));
    done.unwrap_or_else(|| unreachable!("it does what it is given"))
}

/// A call that came to its end, one way or the other, and the draft it worked on.
#[derive(Debug)]
pub(crate) struct Called<T> {
    pub(crate) answer: Result<T, Broken>,
    pub(crate) draft: Draft,
    /// Bytes that it had at its end.
    pub(crate) memory: usize,
    pub(crate) took: Duration,
    /// There was no call.
    pub(crate) remembered: bool,
}

/// No answer that counts, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) failure: Failure,
    pub(crate) detail: String,
}

pub(crate) type Judgement = Result<Notes, Denial>;

impl Caller<'_> {
    /// At a hook that looks at nothing but `view`. What it says is kept in, and given from, `recall`.
    pub(crate) fn ask<A: Answer>(
        self,
        mut view: View,
        recall: fn(&Policy) -> &Recall<A>,
        hook: impl FnOnce(&mut Store<State>, &Entries) -> wasmtime::Result<A>,
    ) -> Called<A> {
        let began = Instant::now();
        let policy = Arc::clone(&view.policy);
        if !self.recalls {
            return self.call(&policy, State::new(view), hook);
        }
        let recall = recall(&policy);
        if let Some(answer) = recall.find(&mut view, |_| true) {
            let View { draft, .. } = view;
            return Called { answer: Ok(answer), draft, memory: 0, took: began.elapsed(), remembered: true };
        }
        let (at, about) = (view.hook, Arc::clone(&view.about));
        let (called, steps) = self.noted(&policy, State::witnessed(view, recall.listens(at)), hook);
        if let (Ok(answer), Some(steps)) = (&called.answer, steps) {
            recall.keep(at, &about.tenant, steps, answer);
        }
        called
    }

    pub(crate) fn call<T>(
        self,
        policy: &Policy,
        state: State,
        hook: impl FnOnce(&mut Store<State>, &Entries) -> wasmtime::Result<T>,
    ) -> Called<T> {
        self.noted(policy, state, hook).0
    }

    /// Here, where others may wait for the thread: an instance that is ready mostly has its answer before they notice.
    /// Making one takes longer.
    fn noted<T>(
        self,
        policy: &Policy,
        mut state: State,
        hook: impl FnOnce(&mut Store<State>, &Entries) -> wasmtime::Result<T>,
    ) -> (Called<T>, Option<Steps>) {
        let began = Instant::now();
        let _running = self.clock.running();
        let ready = self.stock.and_then(|stock| Some((stock, stock.take(policy)?)));
        let (answer, (draft, steps), bounds) = if let Some((stock, mut ready)) = ready {
            // What its memories take already counts.
            state.bounds = std::mem::take(&mut ready.store.data_mut().bounds);
            *ready.store.data_mut() = state;
            start(&mut ready.store, policy, self.began, self.aside);
            let answer = hook(&mut ready.store, &ready.entries);
            let answer = in_time(answer, ready.store.data());
            let (left, bounds) = stock.spend(ready);
            (answer, left, bounds)
        } else {
            aside(self.aside, || {
                let mut store = store(policy, state);
                let entered = enter(&mut store, policy, self.began, self.aside);
                let answer = entered.and_then(|entries| hook(&mut store, &entries));
                let answer = in_time(answer, store.data());
                let State { witness, bounds, .. } = store.into_data();
                (answer, witness.into_parts(), bounds)
            })
        };
        let took = began.elapsed();
        let answer = answer.map_err(|error| classify(&error, policy, &bounds));
        (Called { answer, draft, memory: bounds.used(), took, remembered: false }, steps)
    }
}

/// For one instance and one call.
pub(crate) fn store(policy: &Policy, state: State) -> Store<State> {
    let mut store = Store::new(policy.pre.engine(), state);
    store.limiter(|state| &mut state.bounds);
    store.set_hostcall_fuel(HOSTCALL_BYTES);
    store.set_max_component_handles(MAX_HANDLES);
    store
}

/// Makes the instance.
pub(crate) fn enter(
    store: &mut Store<State>,
    policy: &Policy,
    held: Instant,
    how: Aside,
) -> wasmtime::Result<Entries> {
    start(store, policy, held, how);
    let instance = policy.pre.instantiate(&mut *store)?;
    policy.hooks.enter(store, instance)
}

/// From here on the policy's time runs. The thread has been held for longer.
fn start(store: &mut Store<State>, policy: &Policy, held: Instant, how: Aside) {
    let began = Instant::now();
    let (ends, mut long) = (began + policy.timeout, held + LONG);
    store.data_mut().witness.end_at(ends);
    // The clock's steps come late on a busy machine, and then many at once: they only say when to look at the time.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        let now = Instant::now();
        if now >= ends {
            return Ok(UpdateDeadline::Interrupt);
        }
        if now >= long {
            let took = now - began;
            aside(how, || thread::sleep(MAKE_WAY.max(took / 32)));
            // Again, for nobody may have come for the thread's work in that time; less often, and for longer.
            long = now + took.max(LONG);
        }
        Ok(UpdateDeadline::Continue(1))
    });
}

/// What is said after the end counts no more than what is not said: the host may have answered less by then.
fn in_time<T>(answer: wasmtime::Result<T>, state: &State) -> wasmtime::Result<T> {
    if state.witness.in_time() { answer } else { answer.and(Err(Trap::Interrupt.into())) }
}

/// An instance or memory that is not to be had.
fn is_ours(error: &wasmtime::Error) -> bool {
    error.is::<PoolConcurrencyLimitError>() || error.is::<OutOfMemory>() || error.is::<std::io::Error>()
}

fn classify(error: &wasmtime::Error, policy: &Policy, bounds: &Bounds) -> Broken {
    let broken = |failure, detail: String| Broken { failure, detail };
    if let Some(wanted) = bounds.exceeded() {
        return broken(Failure::Memory, wanted.to_owned());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => {
            broken(Failure::Timeout, format!("it had no answer after {} ms", policy.timeout.as_millis()))
        }
        Some(trap) => broken(Failure::Trap, trap.to_string()),
        None if is_ours(error) => broken(Failure::HostError, error.root_cause().to_string()),
        None => broken(Failure::BadOutput, error.root_cause().to_string()),
    }
}

/// Keeps the type checker's `HasSelf` in one place: the store's data is the host of every interface.
pub(crate) type Host = HasSelf<State>;

#[cfg(test)]
mod tests;
