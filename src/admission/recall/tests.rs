use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use model::Hook;
use serde_json::json;

use super::{PATIENCE, Recall};
use crate::draft::Draft;
use crate::policy::Policy;
use crate::testing::{self, about, job};
use crate::witness::{MAX_BYTES, Steps, View, Witness};
use crate::{About, engine};

fn policy() -> Arc<Policy> {
    testing::validator(&engine::caller(1, 0).expect("an engine"))
}

const TENANT: &str = "acme";

fn view(policy: &Arc<Policy>, submitter: &str) -> View {
    let about = Arc::new(About { tenant: TENANT.into(), submitter: submitter.into(), ..about() });
    View::new(policy, &about, Hook::Validation, Draft::new(Arc::new(job(json!({ "command": ["true"] })))))
}

/// Of a call that asked who sent the job.
fn steps(policy: &Arc<Policy>, submitter: &str) -> Steps {
    let mut witness = Witness::new(view(policy, submitter), true);
    witness.ask(0, |view| view.about.submitter.clone());
    witness.into_parts().1.expect("notes")
}

#[test]
fn the_same_gets_the_same_and_what_differs_nothing() {
    let (policy, recall) = (policy(), Recall::default());
    for who in ["ann", "bob"] {
        recall.keep(Hook::Validation, TENANT, steps(&policy, who), &format!("to {who}"));
    }
    let find = |who: &str| recall.find(&mut view(&policy, who), |_| true);
    assert_eq!(find("ann").as_deref(), Some("to ann"));
    assert_eq!(find("bob").as_deref(), Some("to bob"));
    assert_eq!(find("eve"), None);
    assert_eq!(recall.find(&mut view(&policy, "ann"), |said| said != "to ann"), None);
    assert_eq!(policy.stats.remembered.load(Relaxed), 2);
}

#[test]
fn what_was_said_at_one_hook_is_not_said_at_another() {
    let (policy, recall) = (policy(), Recall::default());
    recall.keep(Hook::Mutation, TENANT, steps(&policy, "ann"), &String::from("changed"));
    assert_eq!(recall.find(&mut view(&policy, "ann"), |_| true), None);
}

#[test]
fn nobody_hears_what_was_said_to_others() {
    let (policy, recall) = (policy(), Recall::default());
    recall.keep(Hook::Validation, "globex", steps(&policy, "ann"), &String::from("yes"));
    assert_eq!(recall.find(&mut view(&policy, "ann"), |_| true), None);
}

#[test]
fn what_is_too_much_is_not_kept() {
    let (policy, recall) = (policy(), Recall::default());
    for (who, answer) in [("large", "x".repeat(MAX_BYTES)), ("small", "x".into())] {
        recall.keep(Hook::Validation, TENANT, steps(&policy, who), &answer);
    }
    let find = |who: &str| recall.find(&mut view(&policy, who), |_| true);
    assert_eq!(find("large"), None);
    assert_eq!(find("small").as_deref(), Some("x"));
}

#[test]
fn who_is_never_like_before_is_seldom_noted_down() {
    let (policy, recall) = (policy(), Recall::default());
    assert!((0..PATIENCE).all(|_| recall.listens(Hook::Validation)));
    recall.keep(Hook::Validation, TENANT, steps(&policy, "ann"), &String::new());
    let (mut listened, mut found) = (0, 0);
    let find = || recall.find(&mut view(&policy, "eve"), |_| true).is_none();
    for _ in 0..10 * PATIENCE {
        assert!(find());
        listened += u32::from(recall.listens(Hook::Validation));
    }
    assert_eq!(listened, 10);
    recall.listens(Hook::Validation);
    while recall.find(&mut view(&policy, "ann"), |_| true).is_none() {
        found += 1;
        recall.listens(Hook::Validation);
    }
    assert!(found < PATIENCE, "what comes to be like before is found in the end");
    assert!(recall.listens(Hook::Validation));
}
