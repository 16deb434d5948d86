use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Failure, Hook};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::{MOST, MOST_OF_ONE, Maker, Sample, Stock, maker};
use crate::bindings::call as call_host;
use crate::bindings::configuration::HookConfigurationIndices;
use crate::bundle::{Grant, Matcher};
use crate::call::{self, Called, Caller, Judgement};
use crate::draft::Draft;
use crate::engine::{self, Clock};
use crate::hooks::Hooks;
use crate::host::{State, linker};
use crate::policy::Policy;
use crate::shipped;
use crate::testing::{self, validator};
use crate::witness::View;

const BLANK: Sample = Sample { asks_the_host: false, bytes: 0 };

/// As many places as a daemon of one place has.
fn pool() -> Engine {
    engine::caller(1, MOST).expect("an engine")
}

fn stock(maker: &Maker, policy: &Arc<Policy>, seen: Sample) -> Arc<Stock> {
    let stock = Arc::new(Stock::new(maker, [(Arc::clone(policy), seen)]));
    maker.serve(&stock);
    (0..2).for_each(|_| stock.job());
    stock
}

fn state(policy: &Arc<Policy>) -> State {
    State::new(View::new(policy, &Arc::new(testing::about()), Hook::Validation, draft()))
}

fn draft() -> Draft {
    Draft::new(Arc::new(testing::job(serde_json::json!({ "command": ["true"] }))))
}

#[test]
fn what_was_missing_is_made_for_the_next() {
    let (maker, engine) = (Maker::new(), pool());
    let policy = validator(&engine);
    let stock = stock(&maker, &policy, BLANK);
    stock.fill();
    assert!(stock.take(&policy).is_none(), "nobody has asked for one before");
    stock.fill();
    assert!(stock.take(&policy).is_some());
    assert!(stock.take(&policy).is_none(), "two are more than there ever were");
    stock.fill();
    assert!((0..2).all(|_| stock.take(&policy).is_some()), "now two are wanted");
}

#[test]
fn one_job_alone_has_nothing_made() {
    let (maker, engine) = (Maker::new(), pool());
    let policy = validator(&engine);
    let stock = Stock::new(&maker, [(Arc::clone(&policy), BLANK)]);
    stock.job();
    assert!(stock.take(&policy).is_none());
    stock.fill();
    assert!(stock.take(&policy).is_none());
}

#[test]
fn who_asks_the_host_while_it_starts_is_never_made_ahead() {
    let (maker, engine) = (Maker::new(), pool());
    let policy = validator(&engine);
    let stock = stock(&maker, &policy, Sample { asks_the_host: true, ..BLANK });
    assert!(stock.take(&policy).is_none());
    stock.fill();
    assert!(stock.take(&policy).is_none());
}

#[test]
fn only_what_is_the_same_for_all_calls_may_be_asked_before_them() {
    let policy = validator(&pool());
    let asked = |ask: fn(&mut State)| {
        let mut state = state(&policy);
        ask(&mut state);
        state.has_asked
    };
    let same = |state: &mut State| {
        call_host::Host::policy(state);
        call_host::Host::settings(state);
        call_host::Host::timeout_ms(state);
    };
    assert!(!asked(same));
    assert!(asked(|state| drop(call_host::Host::request_id(state))));
    assert!(asked(|state| assert_eq!(call_host::Host::now_unix_ms(state), 0)));
}

#[test]
fn no_policy_has_more_than_its_share_and_what_is_used_makes_room_again() {
    let (maker, engine) = (Maker::new(), pool());
    let policy = validator(&engine);
    let stock = stock(&maker, &policy, BLANK);
    (0..MOST).for_each(|_| assert!(stock.take(&policy).is_none()));
    maker.shared().work();
    assert_eq!(maker.shared().held(), MOST_OF_ONE);
    let ready = stock.take(&policy).expect("it was made");
    stock.spend(ready);
    stock.close();
    assert_eq!(maker.shared().held(), 1, "the used one still stands");
    maker.shared().work();
    assert_eq!(maker.shared().held(), 0);
    assert!(stock.take(&policy).is_none());
}

#[test]
fn large_ones_do_not_fill_the_memory() {
    let (maker, engine) = (Maker::new(), pool());
    let policy = validator(&engine);
    let stock = stock(&maker, &policy, Sample { bytes: maker::MOST_BYTES / 2, ..BLANK });
    (0..4).for_each(|_| assert!(stock.take(&policy).is_none()));
    stock.fill();
    assert_eq!(maker.shared().held(), 2);
}

#[test]
fn an_answer_is_the_same_whenever_the_instance_was_made() {
    let (maker, engine) = (Maker::new(), pool());
    let policy = validator(&engine);
    let stock = stock(&maker, &policy, BLANK);
    let clock = Clock::start(&engine, || false).expect("a thread");
    let ask = || -> Called<Judgement> {
        Caller {
            clock: &clock,
            stock: Some(&stock),
            recalls: false,
            began: Instant::now(),
            aside: |work| work(),
        }
        .call(&policy, state(&policy), |store, entries| entries.validation()?.call_validate(store))
    };
    let made_for_it = ask();
    stock.fill();
    assert_eq!(maker.shared().held(), 1);
    let made_ahead = ask();
    assert_eq!(made_ahead.answer.as_ref().err().map(|broken| broken.failure), Some(Failure::Trap));
    assert_eq!(made_ahead.answer.err(), made_for_it.answer.err());
    assert_eq!(made_ahead.memory, made_for_it.memory);
    assert_eq!(made_ahead.draft.spec().steps.len(), 1, "the call's own draft comes back");
}

#[test]
fn the_bell_has_the_work_done() {
    let (maker, engine) = (Maker::new(), pool());
    let policy = validator(&engine);
    let stock = stock(&maker, &policy, BLANK);
    let ring = maker.bell();
    assert!(!ring(), "nothing was asked for yet");
    assert!(stock.take(&policy).is_none());
    assert!(ring());
    while ring() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(maker.shared().held(), 1);
    drop(maker);
    assert!(stock.take(&policy).is_some(), "what is there stays good");
}

#[test]
fn what_is_shipped_has_grown_before_it_is_asked() {
    let engine = pool();
    for name in shipped::plugin_names() {
        let component =
            Component::new(&engine, shipped::plugin(name).expect("shipped")).expect("a component");
        let linker = linker(&engine, &Grant::ALL).expect("a linker");
        let pre = linker.instantiate_pre(&component).expect("it links");
        let at = HookConfigurationIndices::new(&pre).expect("it takes settings");
        let policy = Arc::new(testing::loaded(pre, Hooks::default(), Matcher::default()));
        let mut store = call::store(&policy, state(&policy));
        let instance =
            call::enter(&mut store, &policy, Instant::now(), |work| work()).expect("it starts").instance;
        assert!(!store.data().has_asked, "{name} could not be made ahead");
        let used = store.data().bounds.used();
        let settings = at.load(&mut store, &instance).expect("its types are the contract's");
        // The answer does not matter: to read a text it has to have room for it.
        drop(
            settings
                .stockade_policy_configuration()
                .call_validate_settings(&mut store, "{}")
                .expect("no trap"),
        );
        assert_eq!(store.data().bounds.used(), used, "{name} grew in a call");
    }
}
