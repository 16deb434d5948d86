use std::time::{Duration, Instant};

use super::{LIVED, LONGEST, MOST_DEATHS, Pace, SHORTEST, WINDOW};

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
