use std::sync::Arc;
use std::time::Duration;

use model::{Hook, Ruling};
use serde_json::{Value, json};

use super::{Asked, Said, judged};
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

    fn judged(&self, draft: Draft, remembered: bool) -> Asked {
        let (answer, took) = (Ok(Arc::clone(&self.said)), Duration::from_micros(7));
        let called = Called { answer, draft, memory: 0, took, remembered };
        judged((&self.set, &self.policy), Hook::Mutation, called)
    }

    fn is_again(&self, first: &Asked, draft: Draft) -> bool {
        let again = self.judged(draft, true);
        assert_eq!(again.decision, first.decision);
        assert_eq!(again.is_known, Arc::ptr_eq(&again.decision, &first.decision));
        again.is_known
    }
}

#[test]
fn what_is_said_again_of_the_same_changes_is_one_decision() {
    let bench = Bench::new();
    let called = bench.judged(bench.labelled(&json!({})), false);
    assert_eq!((called.decision.remembered, called.decision.duration_us), (false, 7));
    let first = bench.judged(bench.labelled(&json!({})), true);
    assert_eq!((first.decision.remembered, first.decision.duration_us, first.is_known), (true, 0, false));
    assert_eq!(first.decision.patch, called.decision.patch);
    assert_eq!(first.decision.warnings, called.decision.warnings);
    assert!(bench.is_again(&first, bench.labelled(&json!({}))));
    // As in the second pass, which leaves the job as it is.
    let second = bench.judged(bench.labelled(&json!({ "a": "b" })), true);
    assert_eq!((second.decision.verdict, second.decision.patch.len()), (Ruling::Allow, 0));
    assert!(bench.is_again(&first, bench.labelled(&json!({}))));
    assert!(bench.is_again(&second, bench.labelled(&json!({ "a": "b" }))));
    let called = bench.judged(bench.labelled(&json!({})), false);
    assert!(!called.is_known && !Arc::ptr_eq(&first.decision, &called.decision));
    assert_eq!(bench.policy.stats.now().mutated, 5);
}

#[test]
fn what_it_changes_otherwise_is_another_decision() {
    let bench = Bench::new();
    let first = bench.judged(bench.labelled(&json!({})), true).decision;
    let other = bench.judged(bench.labelled(&json!({ "a": "x" })), true);
    assert_eq!((&*first.patch[0].op, &*other.decision.patch[0].op), ("add", "replace"));
    assert!(bench.is_again(&other, bench.labelled(&json!({ "a": "y" }))), "the newest is kept");
    let mut refused = bench.labelled(&json!({}));
    refused.set_label(&bench.policy.rights, "", Some("b")).expect_err("no name of a label");
    let refused = bench.judged(refused, true).decision;
    assert_eq!((refused.patch.len(), refused.refused.len()), (1, 1));
    assert!(bench.is_again(&other, bench.labelled(&json!({ "a": "x" }))), "what was refused is not");
}

#[test]
fn not_much_is_kept() {
    let bench = Bench::new();
    let changed = |labels: &[&str]| {
        let steps = vec![json!({ "command": ["true"] }); 32];
        let mut draft = Draft::new(Arc::new(job(json!({ "steps": steps }))));
        for (limit, value) in [("pids", 5), ("memory_bytes", 5_000_000)] {
            draft.set_limit(&bench.policy.rights, limit, value).expect("less");
        }
        for label in labels {
            draft.set_label(&bench.policy.rights, label, Some("x")).expect("a label");
        }
        draft
    };
    let much = bench.judged(changed(&["65th"]), true);
    assert!(!bench.is_again(&much, changed(&["65th"])));
    let little = bench.judged(changed(&[]), true);
    assert!(bench.is_again(&little, changed(&[])));
}
