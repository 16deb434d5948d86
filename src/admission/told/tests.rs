use std::sync::Arc;

use model::{Decision, Hook};

use super::Told;
use crate::ahead::Maker;
use crate::policy::Set;

fn decision(warning: &str) -> Arc<Decision> {
    let blank = Set::empty(&Maker::new()).decision(Hook::Mutation);
    Arc::new(Decision { policy: "p".into(), warnings: vec![warning.into()], ..blank })
}

fn is_one(one: &[Decision], other: &[Decision]) -> bool {
    one.as_ptr() == other.as_ptr()
}

#[test]
fn the_same_decisions_are_told_once() {
    let (told, all) = (Told::default(), vec![decision("a"), decision("b")]);
    let (first, warnings) = told.of(all.clone(), true);
    assert_eq!(warnings, ["p: a", "p: b"]);
    let (same, again) = told.of(all.clone(), true);
    assert!(is_one(&first, &same) && warnings == again);
    for others in [vec![all[1].clone(), all[0].clone()], vec![all[0].clone()], Vec::new()] {
        let (other, _) = told.of(others.clone(), true);
        let expected: Vec<&Decision> = others.iter().map(|one| &**one).collect();
        assert_eq!(other.iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_is_new_is_told_of_one_job_alone() {
    let (told, all) = (Told::default(), vec![decision("a"), decision("b")]);
    let ((first, _), (same, warnings)) = (told.of(all.clone(), false), told.of(all, false));
    assert!(!is_one(&first, &same));
    assert_eq!(warnings, ["p: a", "p: b"]);
    assert!(told.0.find(|_| true).is_none(), "it may not come again");
}
