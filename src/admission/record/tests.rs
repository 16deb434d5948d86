use std::sync::Arc;
use std::time::Duration;

use model::{Decision, Hook, Ruling};
use serde_json::{Value, json};

use super::{Said, judged};
use crate::ahead::Maker;
use crate::bindings::types::Notes;
use crate::call::Called;
use crate::draft::Draft;
use crate::engine;
use crate::policy::{Policy, Set};
use crate::testing::{self, job};

struct Bench {
    policy: Arc<Policy>,
    set: Set,
    said: Arc<Said>,
}

impl Bench {
    fn new() -> Self {
        let policy = testing::validator(&engine::caller(1, 0).expect("an engine"));
        let notes = Notes { warnings: vec!["w".into()], annotations: Vec::new() };
        Self { policy, set: Set::empty(&Maker::new()), said: Said::new(Ok(notes)) }
    }

    /// As a policy leaves it that sets a label of a job.
    fn labelled(&self, labels: &Value) -> Draft {
        let mut draft = Draft::new(Arc::new(job(json!({ "command": ["true"], "labels": labels }))));
        draft.set_label(&self.policy.rights, "a", Some("b")).expect("a label");
        draft
    }

    fn judged(&self, draft: Draft, remembered: bool) -> Arc<Decision> {
        let (answer, took) = (Ok(Arc::clone(&self.said)), Duration::from_micros(7));
        let called = Called { answer, draft, memory: 0, took, remembered };
        judged((&self.set, &self.policy), Hook::Mutation, called).decision
    }
}

#[test]
fn what_is_said_again_of_the_same_changes_is_one_decision() {
    let bench = Bench::new();
    let called = bench.judged(bench.labelled(&json!({})), false);
    assert_eq!((called.remembered, called.duration_us), (false, 7));
    let first = bench.judged(bench.labelled(&json!({})), true);
    assert_eq!((first.remembered, first.duration_us), (true, 0));
    assert_eq!((&first.patch, &first.warnings), (&called.patch, &called.warnings));
    assert!(Arc::ptr_eq(&first, &bench.judged(bench.labelled(&json!({})), true)));
    assert!(!Arc::ptr_eq(&first, &bench.judged(bench.labelled(&json!({})), false)), "it was called");
    assert_eq!(bench.policy.stats.now().mutated, 4);
}

#[test]
fn what_it_changes_otherwise_is_another_decision() {
    let bench = Bench::new();
    let first = bench.judged(bench.labelled(&json!({})), true);
    let other = bench.judged(bench.labelled(&json!({ "a": "x" })), true);
    assert_eq!((&*first.patch[0].op, &*other.patch[0].op), ("add", "replace"));
    let none = bench.judged(bench.labelled(&json!({ "a": "b" })), true);
    assert_eq!((none.verdict, none.patch.len()), (Ruling::Allow, 0));
    let mut refused = bench.labelled(&json!({}));
    refused.set_label(&bench.policy.rights, "", Some("b")).expect_err("no name of a label");
    let refused = bench.judged(refused, true);
    assert_eq!((refused.patch.len(), refused.refused.len()), (1, 1));
    assert!(Arc::ptr_eq(&first, &bench.judged(bench.labelled(&json!({})), true)));
}
