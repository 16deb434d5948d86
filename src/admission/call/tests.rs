use std::sync::Arc;
use std::time::Instant;

use model::{Failure, Hook};

use super::{Caller, enter, store};
use crate::ahead::Maker;
use crate::draft::Draft;
use crate::engine::{self, Clock};
use crate::host::State;
use crate::policy::Policy;
use crate::testing::{self, about, job};
use crate::witness::View;

fn state(policy: &Arc<Policy>) -> State {
    let draft = Draft::new(Arc::new(job(serde_json::json!({ "command": ["true"] }))));
    State::new(View::new(policy, &Arc::new(about()), Hook::Validation, draft))
}

#[test]
fn an_instance_that_cannot_be_had_is_no_fault_of_the_policy() {
    let engine = engine::caller(1, 0).expect("an engine");
    let policy = testing::validator(&engine);
    let clock = Clock::start(&engine, Maker::new().bell()).expect("a clock");
    let ask = || {
        let caller = Caller {
            clock: &clock,
            stock: None,
            recalls: false,
            began: Instant::now(),
            aside: |work| work(),
        };
        let called =
            caller.call(&policy, state(&policy), |store, entries| entries.validation()?.call_validate(store));
        called.answer.expect_err("it traps when it is asked").failure
    };
    let mut held = Vec::new();
    loop {
        let mut store = store(&policy, state(&policy));
        match enter(&mut store, &policy, Instant::now(), |work| work()) {
            Ok(_) => held.push(store),
            Err(_) => break,
        }
    }
    assert!(!held.is_empty());
    assert_eq!(ask(), Failure::HostError);
    drop(held);
    assert_eq!(ask(), Failure::Trap);
}
