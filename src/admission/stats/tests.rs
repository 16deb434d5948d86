use std::time::Duration;

use model::{Failure, Ruling};

use super::Stats;

#[test]
fn every_call_is_counted_once_by_its_ruling() {
    let stats = Stats::default();
    let call = |ruling, failure, us, memory| stats.count(ruling, failure, Duration::from_micros(us), memory);
    call(Ruling::Allow, None, 10, 100);
    call(Ruling::Mutate, None, 30, 50);
    call(Ruling::Deny, None, 20, 0);
    call(Ruling::Error, Some(Failure::Timeout), 5, 0);
    call(Ruling::Error, Some(Failure::Timeout), 5, 0);
    let now = stats.now();
    assert_eq!((now.calls, now.allowed, now.mutated, now.denied), (5, 1, 1, 1));
    assert_eq!((now.total_us, now.slowest_us, now.memory_peak_bytes), (70, 30, 100));
    assert_eq!(now.errors.into_iter().collect::<Vec<_>>(), [("timeout", 2)]);
}

#[test]
fn each_failure_has_its_own_word() {
    let stats = Stats::default();
    for failure in Failure::ALL {
        stats.fail(failure);
    }
    let now = stats.now();
    assert_eq!(now.errors.len(), Failure::ALL.len());
    assert!(now.errors.values().all(|count| *count == 1));
    assert_eq!(now.calls, 0, "these were no calls");
}

#[test]
fn an_error_without_a_failure_is_the_hosts() {
    let stats = Stats::default();
    stats.count(Ruling::Error, None, Duration::ZERO, 0);
    assert_eq!(stats.now().errors["host-error"], 1);
}

#[test]
fn a_policys_own_counters_add_up_and_stop_at_the_top() {
    let stats = Stats::default();
    stats.metric("seen", 2);
    stats.metric("seen", 3);
    stats.metric("top", u64::MAX);
    stats.metric("top", 1);
    let metrics = stats.now().metrics;
    assert_eq!((metrics["seen"], metrics["top"]), (5, u64::MAX));
}
