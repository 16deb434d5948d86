//! All attacks beside one another through one daemon, and then nothing more on the host than before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use support::{Case, Needs, Who, cases, figure, same_again};

use crate::attack::{Attack, Variant, all};
use crate::bait::Bait;
use crate::stage::{Stage, binary_digest, survivors};
use crate::unfit;

pub(crate) fn cases() -> Vec<Case> {
    cases![all_twice].into_iter().map(|case| case.alone().needs(Needs::Host(unfit))).collect()
}

const CLIENTS: usize = 4;

/// Each attack twice, with its first and its last profile, and with two of its arguments.
fn all_twice(who: Who) {
    let attacks: Vec<Attack> = all().into_iter().filter_map(|(_, attack)| attack.ok()).collect();
    let mut mixed: Vec<Variant<'_>> = Vec::new();
    for attack in &attacks {
        let variants = attack.variants();
        mixed.extend(variants.first().into_iter().chain(variants.last()));
    }
    // A prime as the step: an order that brings together what alphabet and header keep apart, always the same.
    let mixed: Vec<Variant<'_>> = (0..mixed.len()).map(|at| mixed[at * 7919 % mixed.len()]).collect();

    let digest = binary_digest();
    let stage = Stage::new(who);
    let before = stage.quiet();
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    let bait = Bait::new();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some(variant) = mixed.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(*variant, &stage, &bait);
                }
            });
        }
    });
    let (jobs, seconds) = (mixed.len(), start.elapsed().as_secs_f64());
    figure(format!("{}: {jobs} attacks by {CLIENTS} clients in {seconds:.1} s", who.name()));
    stage.still_serves();
    same_again(&before, || stage.now());
    let names: Vec<String> = attacks.iter().flat_map(Attack::comms).collect();
    let left = survivors(&who.job_ids(), &names);
    assert!(left.is_empty(), "still there: {left:?}");
    let bitten = bait.bitten();
    assert!(bitten.is_empty(), "{bitten:#?}");
    assert!(binary_digest() == digest, "the binary of the daemon is another one");
}

/// No more than that nothing escaped: beside bombs, an attack may run out of time before it is done.
fn check(variant: Variant<'_>, stage: &Stage, bait: &Bait) {
    let answer = stage.answer(variant, bait);
    assert!(answer.status < 500, "{variant}: {}", answer.text());
    assert_eq!(bait.found_in(&answer.body), None, "{variant}: {}", answer.text());
    let job = answer.json();
    assert_ne!(job["status"], "internal_error", "{variant}: {job}");
    let stdout = job["steps"][0]["stdout"]["text"].as_str().unwrap_or_default();
    let escaped: Vec<&str> = stdout.lines().filter(|line| line.starts_with("ESCAPED")).collect();
    assert!(escaped.is_empty(), "{variant}: {escaped:#?}");
}
