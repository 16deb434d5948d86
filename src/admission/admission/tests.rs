use std::time::Duration;

use super::{Admission, FOLLOWERS, Options};
use crate::testing::host;

fn admission(places: usize) -> Admission {
    Admission::open(Options {
        host: host(),
        cache: None,
        record: None,
        places,
        recalls: true,
        aside: |work| work(),
    })
    .expect("an engine")
}

#[test]
fn a_reload_is_never_in_line_behind_another() {
    let admission = admission(1);
    let loading = admission.core.loading.lock().expect("nobody panicked");
    assert!(admission.try_reload().is_none());
    drop(loading);
    assert!(admission.try_reload().is_some_and(|reloaded| reloaded.is_ok()));
}

#[test]
fn who_follows_jobs_takes_no_place_from_them() {
    let admission = admission(1);
    let following: Vec<_> = (0..FOLLOWERS).map(|_| admission.core.follower_place()).collect();
    assert!(following.iter().all(Option::is_some));
    assert!(admission.core.followers.take(Duration::ZERO, |work| work()).is_none(), "no more than there are");
    let place = admission.core.places.take(Duration::ZERO, |work| work());
    assert!(place.is_some());
    assert!(admission.core.places.take(Duration::ZERO, |work| work()).is_none());
}
