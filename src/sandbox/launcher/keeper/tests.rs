use std::time::{Duration, Instant};

use nix::unistd::{getpid, getuid};

use super::{Held, LIVED, LONGEST, MOST_DEATHS, Pace, SHORTEST, WINDOW, real_user, users};

#[test]
fn a_loop_of_deaths_slows_down_and_ends() {
    let (mut pace, mut now) = (Pace::default(), Instant::now());
    let mut pauses = Vec::new();
    while let Some(pause) = pace.died(now, now) {
        pauses.push(pause);
        now += pause;
    }
    assert_eq!(pauses.len(), MOST_DEATHS);
    assert_eq!((pauses[0], pauses.last()), (SHORTEST, Some(&LONGEST)));
    assert!(pauses.windows(2).all(|two| two[1] == (2 * two[0]).min(LONGEST)), "{pauses:?}");
}

#[test]
fn deaths_that_are_far_apart_are_none_too_many() {
    let (mut pace, mut now) = (Pace::default(), Instant::now());
    let apart = WINDOW / u32::try_from(MOST_DEATHS).expect("a small number");
    for _ in 0..10 * MOST_DEATHS {
        let born = now;
        now += apart;
        assert!(apart >= LIVED);
        assert_eq!(pace.died(born, now), Some(Duration::ZERO));
    }
}

#[test]
fn the_ids_of_what_will_not_go_are_known() {
    let status = "Name:\tstockade-init\nPPid:\t7\nUid:\t12\t13\t14\t15\nGid:\t1\t1\t1\t1\n";
    assert_eq!(real_user(status), Some(12));
    assert_eq!(real_user("Name:\tx\n"), None);
    let own = getuid().as_raw();
    // The launcher's own user is 0, and no job's.
    let expected: Held = [own].into_iter().filter(|user| *user != 0).collect();
    assert_eq!(users(vec![getpid()]), Some(expected));
}
