use std::sync::Arc;

use model::{Decision, Hook};

use super::{MOST, Told};
use crate::ahead::Maker;
use crate::policy::Set;

fn decision(warning: &str, remembered: bool) -> Arc<Decision> {
    let blank = Set::empty(&Maker::new()).decision(Hook::Mutation);
    Arc::new(Decision { policy: "p".into(), warnings: vec![warning.into()], remembered, ..blank })
}

fn is_one(one: &[Decision], other: &[Decision]) -> bool {
    one.as_ptr() == other.as_ptr()
}

#[test]
fn the_same_decisions_are_told_once() {
    let (told, all) = (Told::default(), vec![decision("a", true), decision("b", true)]);
    let (first, warnings) = told.of(all.clone());
    assert_eq!(warnings, ["p: a", "p: b"]);
    let (same, again) = told.of(all.clone());
    assert!(is_one(&first, &same) && warnings == again);
    for others in [vec![all[1].clone(), all[0].clone()], vec![all[0].clone()], Vec::new()] {
        let (other, _) = told.of(others.clone());
        let expected: Vec<&Decision> = others.iter().map(|one| &**one).collect();
        assert_eq!(other.iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_policies_were_asked_is_told_of_them_alone() {
    let (told, all) = (Told::default(), vec![decision("a", true), decision("b", false)]);
    let ((first, _), (same, warnings)) = (told.of(all.clone()), told.of(all));
    assert!(!is_one(&first, &same));
    assert_eq!(warnings, ["p: a", "p: b"]);
    assert!(told.0.load().is_empty(), "it will not come again");
}

#[test]
fn it_keeps_only_so_much() {
    let told = Told::default();
    let all: Vec<_> = (0..=MOST).map(|n| vec![decision(&n.to_string(), true)]).collect();
    let first: Vec<_> = all.iter().map(|one| told.of(one.clone()).0).collect();
    assert_eq!(told.0.load().len(), MOST);
    assert!(is_one(&first[MOST], &told.of(all[MOST].clone()).0));
    assert!(!is_one(&first[0], &told.of(all[0].clone()).0), "the oldest made room");
}
