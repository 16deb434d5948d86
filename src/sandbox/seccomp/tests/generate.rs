//! Profiles nobody would write, always the same ones.

use std::collections::{BTreeMap, BTreeSet};

use crate::seccomp::rules::{Action, Condition, Rule, Rules, Test};

/// `SplitMix64`: enough for tests, and the same on every machine.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).expect("below a u32")
    }

    pub(super) fn one_of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(u32::try_from(choice.len()).expect("few")) as usize]
    }

    /// Small, around a power of two, or anything: where carries and halves go wrong.
    fn value(&mut self) -> u64 {
        match self.below(4) {
            0 => u64::from(self.below(4)),
            1 => (1u64 << self.below(64)).wrapping_sub(u64::from(self.below(2))),
            2 => self.one_of(&[0, u64::MAX, 0xFFFF_FFFF, 0x1_0000_0000, 0xFFFF_FFFF_0000_0000]),
            _ => self.next(),
        }
    }

    fn action(&mut self) -> Action {
        self.one_of(&[
            Action(libc::SECCOMP_RET_ALLOW),
            Action(libc::SECCOMP_RET_LOG),
            Action(libc::SECCOMP_RET_TRAP),
            Action(libc::SECCOMP_RET_KILL_THREAD),
            Action::KILL_PROCESS,
            Action::errno(1),
            Action::errno(38),
        ])
    }

    fn condition(&mut self, arg: u8) -> Condition {
        let mask = self.value();
        let test = self.one_of(&[
            Test::Ne,
            Test::Lt,
            Test::Le,
            Test::Eq,
            Test::Ge,
            Test::Gt,
            Test::Masked(mask),
            Test::Masked(mask),
        ]);
        let value = self.value();
        let value = if let Test::Masked(mask) = test { value & mask } else { value };
        Condition { arg, test, value }
    }

    /// With as many conditions as that, or fewer.
    fn rule(&mut self, conditions: u32) -> Rule {
        let args: BTreeSet<u8> = (0..conditions).map(|_| self.one_of(&[0, 1, 5])).collect();
        Rule { conditions: args.into_iter().map(|arg| self.condition(arg)).collect(), action: self.action() }
    }

    /// Numbers in clusters, as real ones are, and some at the ends; sometimes with rules long enough for far jumps.
    pub(super) fn rules(&mut self) -> Rules {
        let mut calls = BTreeMap::new();
        let long = self.below(4) == 0;
        for _ in 0..self.below(40) {
            let start = self.one_of(&[0, 100, 420, 1000]) + self.below(20);
            for nr in start..start + self.below(4) {
                let rules = if long {
                    (0..self.below(30)).map(|_| self.rule(2)).collect()
                } else {
                    (0..=self.below(3))
                        .map(|_| {
                            let conditions = self.below(3);
                            self.rule(conditions)
                        })
                        .collect()
                };
                calls.insert(nr, rules);
            }
        }
        Rules { default: self.action(), calls, skipped: BTreeSet::new() }
    }
}
