use super::*;
use crate::What;

#[test]
fn starts_at_once_while_there_is_room() {
    let mut core = Core::new(host(2, 100, 0), Quotas::default());
    let jobs = [(); 3].map(|()| core.put(small("a")));
    assert_eq!(core.take_granted(), jobs[..2]);
    assert_eq!(core.position(jobs[2]), Some(0));
    assert_eq!(core.end(jobs[0]), jobs[2..]);
    assert_eq!(core.position(jobs[2]), None);
}

#[test]
fn never_promises_memory_or_cpus_twice() {
    for need in [Room::of_sandbox(60, 0), Room::of_sandbox(0, 60)] {
        let mut core = Core::new(host(9, 100, 100), Quotas::default());
        let demand = Demand { need, ..small("a") };
        let first = core.put(demand);
        let second = core.put(demand);
        assert_eq!(core.take_granted(), [first]);
        assert_eq!(core.end(first), [second]);
    }
}

#[test]
fn what_never_fits_is_refused_with_what_there_is() {
    let mut core = Core::new(host(1, 100, 50), Quotas::default());
    for (need, what, asked, capacity) in [
        (Room::of_sandbox(101, 0), What::Memory, 101, 100),
        (Room::of_sandbox(100, u64::MAX), What::Cpus, u64::MAX, 50),
    ] {
        let demand = Demand { need, counted: false, ..small("a") };
        let reason = Reason::NeverFits { what, asked, capacity };
        assert_eq!(core.submit(demand, NOW), Err(Refused { reason, retry_after: Duration::ZERO }));
    }
    assert!(core.is_idle());
}

#[test]
fn higher_priority_first_then_first_come_first_served() {
    let mut core = Core::new(host(1, 100, 0), Quotas::default());
    let mut running = core.put(small("a"));
    let mut put = |priority| core.put(Demand { priority, ..small("a") });
    let (low, normal, later, high) = (put(-5), put(0), put(0), put(9));
    let order = [high, normal, later, low];
    assert_eq!(order.map(|number| core.position(number)), [Some(0), Some(1), Some(2), Some(3)]);
    for expected in order {
        assert_eq!(core.end(running), [expected]);
        running = expected;
    }
}

#[test]
fn max_running_makes_jobs_wait_and_lets_others_pass() {
    let mut core = Core::new(host(3, 100, 0), only(Quota { max_running: Some(1), ..Quota::default() }));
    let (first, second, other) = (core.put(small("a")), core.put(small("a")), core.put(small("b")));
    assert_eq!(core.take_granted(), [first, other]);
    assert!(!core.is_wanted(), "it waits for its own tenant, not for room");
    assert_eq!(core.end(other), NOBODY);
    assert_eq!(core.end(first), [second]);
}

#[test]
fn limits_of_the_queue_refuse_only_what_must_wait() {
    let mut core = Core::new(Capacity { max_queued: 2, ..host(1, 100, 0) }, Quotas::default());
    let jobs = [(); 3].map(|()| core.put(small("a")));
    let refused = core.submit(small("b"), NOW).expect_err("two are waiting");
    assert_eq!(refused, Refused { reason: Reason::QueueFull, retry_after: Duration::from_secs(1) });
    assert_eq!(core.room("b", NOW), Err(refused));
    let recovered = core.put(Demand { counted: false, ..small("b") });
    assert_eq!(core.position(recovered), Some(0));
    jobs.into_iter().chain([recovered]).for_each(|number| core.leave(number, NOW));
    assert!(core.is_idle());
    assert_eq!(core.room("b", NOW), Ok(()));
}

#[test]
fn a_queue_of_none_takes_what_starts_at_once() {
    let mut core = Core::new(Capacity { max_queued: 0, ..host(1, 100, 0) }, Quotas::default());
    assert_eq!(core.room("a", NOW), Ok(()));
    let number = core.put(small("a"));
    assert_eq!(core.submit(small("a"), NOW).map_err(|refused| refused.reason), Err(Reason::QueueFull));
    assert_eq!(core.room("a", NOW).map_err(|refused| refused.reason), Err(Reason::QueueFull));
    core.leave(number, NOW);
    core.put(small("a"));
}

#[test]
fn quotas_of_the_queue_hold_for_one_tenant() {
    let quota = Quota { max_queued: Some(1), ..Quota::default() };
    let mut core = Core::new(host(1, 100, 0), only(quota));
    core.put(small("a"));
    core.put(small("a"));
    let reason = Reason::TenantQueued { max: 1 };
    assert_eq!(core.submit(small("a"), NOW).map_err(|refused| refused.reason), Err(reason));
    assert_eq!(core.room("a", NOW).map_err(|refused| refused.reason), Err(reason));
    core.put(Demand { counted: false, ..small("a") });
    core.put(small("b"));
}

#[test]
fn jobs_per_minute_are_those_taken_in() {
    let second = Duration::from_secs(1);
    let quotas = only(Quota { max_per_minute: Some(2), max_queued: Some(1), ..Quota::default() });
    let mut core = Core::new(host(1, 100, 0), quotas);
    core.put(Demand { counted: false, ..small("a") });
    let waiting = core.put(small("a"));
    // Refused for another reason, so not counted.
    core.submit(small("a"), second).expect_err("one is waiting");
    core.leave(waiting, second);
    core.submit(small("a"), 10 * second).expect("the second of this minute");
    let refused = core.submit(small("a"), 20 * second).expect_err("a third");
    assert_eq!(refused.reason, Reason::TenantPerMinute { max: 2 });
    assert_eq!(refused.retry_after, 41 * second);
    assert_eq!(core.room("a", 20 * second), Err(refused));
    core.submit(small("b"), 20 * second).expect("another tenant's");
    core.submit(Demand { counted: false, ..small("a") }, 20 * second).expect("it was counted before");
    let again = 20 * second + refused.retry_after;
    assert_eq!(core.submit(small("a"), again).map_err(|r| r.reason), Err(Reason::TenantQueued { max: 1 }));
}

#[test]
fn a_further_lane_takes_only_what_nobody_waits_for() {
    let mut core = Core::new(host(3, 10, 0), only(Quota { max_running: Some(1), ..Quota::default() }));
    let job = core.put(needs("a", 4));
    assert_eq!(core.more(job, Room::of_sandbox(7, 0)), None, "it does not fit");
    let lane = core.more(job, Room::of_sandbox(4, 0)).expect("there is room");
    let load = core.load(NOW).tenants["a"];
    assert_eq!((load.running, load.reserved_memory_bytes), (1, 8));
    let waiting = core.put(needs("b", 4));
    assert!(core.is_wanted());
    assert_eq!(core.more(job, Room::of_sandbox(1, 0)), None, "somebody waits for it");
    assert_eq!(core.end(lane), [waiting]);
    // A job that waits for its own tenant's others is in nobody's way.
    core.put(needs("a", 1));
    let lane = core.more(job, Room::of_sandbox(1, 0)).expect("a slot is free");
    core.leave(job, NOW);
    assert_eq!(core.more(job, Room::of_sandbox(1, 0)), None, "the job has ended");
    assert_eq!(core.load(NOW).tenants["a"].reserved_memory_bytes, 2);
    core.leave(lane, NOW);
    assert_eq!(core.load(NOW).tenants["a"].reserved_memory_bytes, 1);
}

#[test]
fn seats_count_as_running_where_there_is_a_slot() {
    let mut core = Core::new(host(2, 100, 0), Quotas::default());
    core.sit("a", 30, NOW);
    core.sit("a", 30, NOW);
    core.sit("b", 5, NOW);
    let load = core.load(NOW);
    let (a, b) = (load.tenants["a"], load.tenants["b"]);
    assert_eq!((a.queued, a.running, a.reserved_memory_bytes), (0, 2, 60));
    assert_eq!((b.queued, b.running, b.reserved_memory_bytes), (1, 0, 0));
    assert_eq!((load.total.queued, load.total.running), (1, 2));
    core.stand("a", 30);
    core.put(needs("a", 30));
    let a = core.load(NOW).tenants["a"];
    assert_eq!((a.queued, a.running, a.reserved_memory_bytes), (0, 2, 60));
    core.stand("a", 30);
    core.stand("b", 5);
    let load = core.load(NOW);
    assert_eq!(
        load.total,
        TenantLoad { running: 1, reserved_memory_bytes: 30, started_last_minute: 1, ..load.total }
    );
    assert!(!load.tenants.contains_key("b"));
}

#[test]
fn new_quotas_hold_for_jobs_that_wait() {
    let mut core = Core::new(host(4, 100, 0), only(Quota { max_running: Some(1), ..Quota::default() }));
    let jobs = [(); 3].map(|()| core.put(small("a")));
    core.take_granted();
    core.set_quotas(only(Quota { max_running: Some(2), ..Quota::default() }), NOW);
    assert_eq!(core.take_granted(), jobs[1..2]);
    core.set_quotas(only(Quota { max_running: Some(1), ..Quota::default() }), NOW);
    assert_eq!(core.end(jobs[0]), NOBODY);
    assert_eq!(core.end(jobs[1]), jobs[2..]);
}

#[test]
fn a_queue_that_stops_takes_nothing_in_and_lets_go_on_what_waits() {
    let mut core = Core::new(host(1, 100, 0), Quotas::default());
    let (first, second) = (core.put(small("a")), core.put(small("a")));
    core.stop();
    for counted in [true, false] {
        let refused = core.submit(Demand { counted, ..small("a") }, NOW).expect_err("it stops");
        assert_eq!(refused.reason, Reason::Stopping);
    }
    assert_eq!(core.end(first), [second]);
    assert_eq!(core.end(second), NOBODY);
    assert!(core.is_idle());
}

#[test]
fn tenants_that_are_gone_are_forgotten() {
    let mut core = Core::new(host(1, 100, 0), Quotas::default());
    for nth in 0..10_000 {
        let number = core.submit(small(&format!("tenant {nth}")), Duration::from_secs(nth)).expect("room");
        core.leave(number, Duration::from_secs(nth));
    }
    assert!(core.tenants.len() <= 256, "{} tenants", core.tenants.len());
}

#[test]
fn retry_after_follows_the_pace_of_the_service() {
    let seconds = Duration::from_secs;
    for (started, now, expected) in
        [(0, 0, 1), (0, 30, 30), (0, 900, 60), (6, 900, 10), (600, 900, 1), (1, 20, 20)]
    {
        assert_eq!(pace::until_next(started, seconds(now)), seconds(expected), "{started} in {now} s");
    }
}
