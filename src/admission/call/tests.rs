use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Failure, Hook};
use wasmtime::Store;

use super::{Broken, Caller, enter, store};
use crate::ahead::Maker;
use crate::bindings::job::Host as _;
use crate::bindings::kv::Host as _;
use crate::draft::Draft;
use crate::engine::{self, Clock};
use crate::hooks::Entries;
use crate::host::State;
use crate::policy::Policy;
use crate::testing::{self, about, job};
use crate::witness::View;

fn state(policy: &Arc<Policy>) -> State {
    state_at(Hook::Validation, policy)
}

fn state_at(hook: Hook, policy: &Arc<Policy>) -> State {
    let draft = Draft::new(Arc::new(job(serde_json::json!({ "command": ["true"] }))));
    State::new(View::new(policy, &Arc::new(about()), hook, draft))
}

struct Asking {
    policy: Arc<Policy>,
    clock: Clock,
}

impl Asking {
    fn new() -> Self {
        let engine = engine::caller(1, 0).expect("an engine");
        let clock = Clock::start(&engine, Maker::new().bell()).expect("a clock");
        Self { policy: testing::validator(&engine), clock }
    }

    fn within(mut self, timeout: Duration) -> Self {
        Arc::get_mut(&mut self.policy).expect("nobody asks it yet").timeout = timeout;
        self
    }

    fn ask<T>(
        &self,
        hook: impl FnOnce(&mut Store<State>, &Entries) -> wasmtime::Result<T>,
    ) -> Result<T, Broken> {
        let (clock, began) = (&self.clock, Instant::now());
        let caller = Caller { clock, stock: None, recalls: false, began, aside: |work| work() };
        caller.call(&self.policy, state(&self.policy), hook).answer
    }
}

#[test]
fn an_instance_that_cannot_be_had_is_no_fault_of_the_policy() {
    let asking = Asking::new();
    let policy = &asking.policy;
    let ask = || {
        let answer = asking.ask(|store, entries| entries.validation()?.call_validate(store));
        answer.expect_err("it traps when it is asked").failure
    };
    let mut held = Vec::new();
    loop {
        let mut store = store(policy, state(policy));
        match enter(&mut store, policy, Instant::now(), |work| work()) {
            Ok(_) => held.push(store),
            Err(_) => break,
        }
    }
    assert!(!held.is_empty());
    assert_eq!(ask(), Failure::HostError);
    drop(held);
    assert_eq!(ask(), Failure::Trap);
}

/// It may have been told less.
#[test]
fn what_is_said_after_the_end_is_no_answer() {
    const SHORT: Duration = Duration::from_millis(20);
    let said = |asking: Asking| {
        asking.ask(|store, _| {
            std::thread::sleep(SHORT);
            let told = store.data_mut().step_command(0).expect("a step");
            Ok(told.len())
        })
    };
    assert_eq!(said(Asking::new()).expect("in time"), 1);
    assert_eq!(said(Asking::new().within(SHORT)).expect_err("late").failure, Failure::Timeout);
}

#[test]
fn who_was_told_less_changes_nothing() {
    let engine = engine::caller(1, 0).expect("an engine");
    let policy = testing::validator(&engine);
    let mut state = state_at(Hook::OnStarted, &policy);
    state.witness.end_at(Instant::now());
    assert_eq!(state.step_command(0), Some(Vec::new()));
    state.witness.tell(0, |_| panic!("it has no effect"));
    assert!(state.witness.look().is_cut());
    assert!(state.put("key".into(), Vec::new(), 0).is_err() && state.add("key".into(), 1, 0).is_err());
    state.witness.end_at(Instant::now() + Duration::from_mins(1));
    assert_eq!(state.step_command(0), Some(vec!["true".to_owned()]));
    assert!(!state.witness.look().is_cut());
    assert!(state.put("key".into(), Vec::new(), 0).is_ok());
}
