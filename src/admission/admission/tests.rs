use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use serde_json::json;

use super::{Admission, FOLLOWERS, LARGE, Options};
use crate::call::Aside;
use crate::testing::{about, host, job, put_in_force, validator};

fn admission(aside: Aside) -> Admission {
    let options = Options { host: host(), cache: None, record: None, places: 1, recalls: true, aside };
    Admission::open(options).expect("an engine")
}

#[test]
fn a_large_job_is_decided_aside() {
    static ASIDE: AtomicUsize = AtomicUsize::new(0);
    let admission = admission(|work| {
        ASIDE.fetch_add(1, Relaxed);
        work();
    });
    put_in_force(&admission, validator(&admission.core.engine));
    let asides = |bytes: usize| {
        let before = ASIDE.load(Relaxed);
        let file = json!({ "path": "a", "text": "x".repeat(bytes) });
        admission.admit(job(json!({ "command": ["true"], "files": [file] })), about());
        ASIDE.load(Relaxed) - before
    };
    assert_eq!(asides(0), 1, "the call alone, which makes its own instance");
    assert_eq!(asides(LARGE), 2, "and the decision as a whole");
}

#[test]
fn a_reload_is_never_in_line_behind_another() {
    let admission = admission(|work| work());
    let loading = admission.core.loading.lock().expect("nobody panicked");
    assert!(admission.try_reload().is_none());
    drop(loading);
    assert!(admission.try_reload().is_some_and(|reloaded| reloaded.is_ok()));
}

#[test]
fn who_follows_jobs_takes_no_place_from_them() {
    let admission = admission(|work| work());
    let following: Vec<_> = (0..FOLLOWERS).map(|_| admission.core.follower_place()).collect();
    assert!(following.iter().all(Option::is_some));
    assert!(admission.core.followers.take(Duration::ZERO, |work| work()).is_none(), "no more than there are");
    let place = admission.core.places.take(Duration::ZERO, |work| work());
    assert!(place.is_some());
    assert!(admission.core.places.take(Duration::ZERO, |work| work()).is_none());
}
