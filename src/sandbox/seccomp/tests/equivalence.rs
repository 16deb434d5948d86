//! Three readings of one profile, for every class of call: the tree, the chain, and the rules themselves.

use std::collections::BTreeSet;

use super::generate::Random;
use super::interpret::{Call, check, run};
use super::{HOST, decide, linear};
use crate::seccomp::BUILTIN;
use crate::seccomp::compile::compile;
use crate::seccomp::rules::{Rule, Rules, Test};
use crate::seccomp::table::Arch;
use crate::seccomp::target::Target;

const AARCH64: Target = Target { arch: Arch::Aarch64, ..HOST };

#[test]
fn shipped_profiles() {
    for target in [HOST, AARCH64] {
        for (name, json) in BUILTIN {
            let rules = Rules::parse(json, target).expect(name);
            let (tree, chain) = same(&rules, target, &mut Random(0));
            eprint_sizes(name, target, tree, chain);
            assert!(tree < 400, "{name} has {tree} instructions");
        }
    }
}

#[test]
fn random_profiles() {
    let mut random = Random(0x570C_CADE);
    let mut longest = 0;
    for round in 0..150 {
        let target = if round % 4 == 0 { AARCH64 } else { HOST };
        let rules = random.rules();
        longest = longest.max(same(&rules, target, &mut random).0);
    }
    assert!(longest > 1000, "no program was long enough for far jumps: {longest}");
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs the tests with --nocapture")]
fn eprint_sizes(name: &str, target: Target, tree: usize, chain: usize) {
    eprintln!("{name} on {:?}: {tree} instructions, {chain} as a chain", target.arch);
}

/// Returns the lengths of the tree and the chain.
fn same(rules: &Rules, target: Target, random: &mut Random) -> (usize, usize) {
    let tree = compile(rules, target.arch);
    let chain = linear::compile(rules, target);
    check(&tree);
    let compare = |nr, arch, args| {
        let call = Call { nr, arch, args };
        let meant = decide(rules, target, &call);
        assert_eq!(run(&tree, &call), meant, "tree: {call:x?}");
        assert_eq!(run(&chain, &call), meant, "chain: {call:x?}");
    };
    let native = target.arch.audit();
    for nr in numbers() {
        compare(nr, native, [0; 6]);
        compare(nr, native, [u64::MAX; 6]);
    }
    for nr in numbers().step_by(9) {
        for foreign in
            [0, 0x4000_0003, 0x4000_0028, native ^ 1, AARCH64.arch.audit() ^ HOST.arch.audit() ^ native]
        {
            compare(nr, foreign, [0; 6]);
        }
    }
    for (&nr, rules_of_call) in &rules.calls {
        for args in arguments(rules_of_call, random) {
            compare(nr, native, args);
        }
    }
    (tree.len(), chain.len())
}

fn numbers() -> impl Iterator<Item = u32> {
    let plain = 0..1100;
    let x32 = plain.clone().step_by(7).map(|nr| nr | 0x4000_0000);
    let edges = [
        0x3FFF_FFFF,
        0x4000_0000,
        0x7FFF_FFFF,
        0x8000_0000,
        0xBFFF_FFFF,
        0xC000_0000,
        u32::MAX - 1,
        u32::MAX,
    ];
    plain.chain(x32).chain(edges)
}

/// Every combination of the values that matter, over the arguments that the rules look at; where those are too many, a
/// sample of them.
fn arguments(rules: &[Rule], random: &mut Random) -> Vec<[u64; 6]> {
    const MOST: usize = 3000;
    let mut values: [BTreeSet<u64>; 6] = Default::default();
    for condition in rules.iter().flat_map(|rule| &rule.conditions) {
        values[usize::from(condition.arg)].extend(around(condition.value, condition.test));
    }
    let values = values.map(|values| if values.is_empty() { vec![0] } else { Vec::from_iter(values) });
    let combinations: usize = values.iter().map(Vec::len).product();
    if combinations > MOST {
        return (0..MOST / 10).map(|_| values.each_ref().map(|values| random.one_of(values))).collect();
    }
    let combination = |mut index: usize| {
        values.each_ref().map(|values| {
            let value = values[index % values.len()];
            index /= values.len();
            value
        })
    };
    (0..combinations).map(combination).collect()
}

fn around(value: u64, test: Test) -> Vec<u64> {
    let mask = if let Test::Masked(mask) = test { mask } else { u64::MAX };
    let high = 1 << 32;
    let near = [
        value,
        value.wrapping_sub(1),
        value.wrapping_add(1),
        value.wrapping_sub(high),
        value.wrapping_add(high),
    ];
    let with_bits = [value | high, value | 1 << 63, value & 0xFFFF_FFFF, value >> 32, value.rotate_left(32)];
    let with_mask = [value | !mask, value ^ mask, mask, !mask, value ^ (mask & mask.wrapping_neg())];
    [near, with_bits, with_mask].into_iter().flatten().collect()
}
