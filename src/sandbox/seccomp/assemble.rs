//! Classic BPF, written from the last instruction to the first: jumps only go forward, so what an instruction jumps to
//! is always there already, and no address has to be filled in afterwards.

use std::collections::BTreeMap;

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET,
    BPF_W,
};
use seccompiler::{BpfProgram, sock_filter};

use super::rules::Action;

/// An instruction that is already there, counted from the end of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Label(usize);

#[derive(Clone, Copy, Debug)]
pub(super) enum Jump {
    Equal,
    GreaterOrEqual,
    Greater,
    /// Any of the bits.
    AnyBit,
}

#[derive(Debug, Default)]
pub(super) struct Assembler {
    reversed: BpfProgram,
    /// The `ret` instruction of each action that was written last, so the one nearest to what comes next.
    returns: BTreeMap<Action, Label>,
}

impl Assembler {
    pub(super) fn finish(mut self) -> BpfProgram {
        self.reversed.reverse();
        self.reversed
    }

    fn push(&mut self, code: u32, jt: u8, jf: u8, k: u32) -> Label {
        let code = u16::try_from(code).expect("BPF opcodes are below 256");
        self.reversed.push(sock_filter { code, jt, jf, k });
        Label(self.reversed.len() - 1)
    }

    /// How many instructions stand between `target` and one that is written after `more` others.
    fn distance(&self, target: Label, more: usize) -> usize {
        self.reversed.len() + more - target.0 - 1
    }

    /// The same for a conditional jump, if it reaches that far: 255 instructions.
    fn offset(&self, target: Label, more: usize) -> Option<u8> {
        u8::try_from(self.distance(target, more)).ok()
    }

    /// Loads the word at this offset of `struct seccomp_data`, then goes to `next`.
    pub(super) fn load(&mut self, offset: u32, next: Label) -> Label {
        self.fall_into(next);
        self.push(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset)
    }

    /// Masks the loaded word, then goes to `next`.
    pub(super) fn and(&mut self, mask: u32, next: Label) -> Label {
        self.fall_into(next);
        self.push(BPF_ALU | BPF_AND | BPF_K, 0, 0, mask)
    }

    pub(super) fn ret(&mut self, action: Action) -> Label {
        if let Some(&label) = self.returns.get(&action) {
            return label;
        }
        self.new_ret(action)
    }

    fn new_ret(&mut self, action: Action) -> Label {
        let label = self.push(BPF_RET | BPF_K, 0, 0, action.0);
        self.returns.insert(action, label);
        label
    }

    /// Compares the loaded word with `k`.
    pub(super) fn branch(&mut self, jump: Jump, k: u32, yes: Label, no: Label) -> Label {
        if yes == no {
            return yes;
        }
        // A stepping stone for `no` moves `yes` one further away: hence 1.
        let yes = self.near(yes, 1);
        let no = self.near(no, 0);
        let offset = |target| self.offset(target, 0).expect("`near` brought it within reach");
        let (jt, jf) = (offset(yes), offset(no));
        let op = match jump {
            Jump::Equal => BPF_JEQ,
            Jump::GreaterOrEqual => BPF_JGE,
            Jump::Greater => BPF_JGT,
            Jump::AnyBit => BPF_JSET,
        };
        self.push(BPF_JMP | op | BPF_K, jt, jf, k)
    }

    /// What is out of reach gets a copy, if it is a `ret`, or a long jump as a stepping stone.
    fn near(&mut self, target: Label, more: usize) -> Label {
        if self.offset(target, more).is_some() {
            return target;
        }
        let far = &self.reversed[target.0];
        if u32::from(far.code) == BPF_RET | BPF_K {
            let action = Action(far.k);
            let latest = self.ret(action);
            if self.offset(latest, more).is_some() { latest } else { self.new_ret(action) }
        } else {
            self.jump(target)
        }
    }

    fn jump(&mut self, target: Label) -> Label {
        let k = u32::try_from(self.distance(target, 0)).expect("a program has fewer than 2^32 instructions");
        self.push(BPF_JMP | BPF_JA, 0, 0, k)
    }

    /// The instruction written next falls through, and `target` must be what it falls into.
    fn fall_into(&mut self, target: Label) {
        if self.distance(target, 0) > 0 {
            self.jump(target);
        }
    }
}
