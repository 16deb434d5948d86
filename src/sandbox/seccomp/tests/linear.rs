//! The reference: one chain, number by number and rule by rule, in the order it is read. Slow and obvious; shares no
//! code with the tree.

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W,
    SECCOMP_RET_KILL_PROCESS,
};
use seccompiler::sock_filter;

use crate::seccomp::rules::{Condition, Rule, Rules, Test};
use crate::seccomp::target::Target;

fn op(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code: u16::try_from(code).expect("an opcode"), jt, jf, k }
}

fn load(offset: u32) -> sock_filter {
    op(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset)
}

fn ret(value: u32) -> sock_filter {
    op(BPF_RET | BPF_K, 0, 0, value)
}

fn jump_over(instructions: usize) -> sock_filter {
    op(BPF_JMP | BPF_JA, 0, 0, u32::try_from(instructions).expect("short"))
}

pub(super) fn compile(rules: &Rules, target: Target) -> Vec<sock_filter> {
    let mut program = vec![
        load(4),
        op(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, target.arch.audit()),
        ret(SECCOMP_RET_KILL_PROCESS),
        load(0),
    ];
    if target.arch.x32_bit().is_some() {
        // From 0x40000000 to 0x7fffffff, and from 0xc0000000 to 0xfffffffe, the bit is set.
        program.extend([
            op(BPF_JMP | BPF_JGE | BPF_K, 0, 5, 0x4000_0000),
            op(BPF_JMP | BPF_JGE | BPF_K, 0, 3, 0x8000_0000),
            op(BPF_JMP | BPF_JGE | BPF_K, 0, 3, 0xC000_0000),
            op(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, u32::MAX),
            jump_over(1),
            ret(SECCOMP_RET_KILL_PROCESS),
        ]);
    }
    for (&nr, rules_of_call) in &rules.calls {
        let mut body: Vec<sock_filter> = rules_of_call.iter().flat_map(rule).collect();
        body.push(ret(rules.default.0));
        program.extend([load(0), op(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, nr), jump_over(body.len())]);
        program.extend(body);
    }
    program.push(ret(rules.default.0));
    program
}

fn rule(rule: &Rule) -> Vec<sock_filter> {
    // Backwards, so that each condition knows how far the next rule is.
    rule.conditions.iter().rfold(vec![ret(rule.action.0)], |rest, test| {
        let mut code = condition(test);
        code.push(jump_over(1));
        code.push(jump_over(rest.len()));
        code.extend(rest);
        code
    })
}

/// Goes on behind its end where the condition holds, and one instruction further where not.
fn condition(&Condition { arg, test, value }: &Condition) -> Vec<sock_filter> {
    let offset = 16 + u32::from(arg) * 8;
    let word = |value: u64| u32::try_from(value & 0xFFFF_FFFF).expect("masked");
    let (low, high) = (word(value), word(value >> 32));
    let ordered = |jump: u32, negated: bool| {
        let (yes, no) = if negated { (1, 0) } else { (0, 1) };
        vec![
            load(offset + 4),
            op(BPF_JMP | BPF_JGT | BPF_K, 3 + yes, 0, high),
            op(BPF_JMP | BPF_JEQ | BPF_K, 0, 2 + no, high),
            load(offset),
            op(BPF_JMP | jump | BPF_K, yes, no, low),
        ]
    };
    let equal = |mask: u64, negated: bool| {
        let (yes, no) = if negated { (1, 0) } else { (0, 1) };
        vec![
            load(offset + 4),
            op(BPF_ALU | BPF_AND | BPF_K, 0, 0, word(mask >> 32)),
            op(BPF_JMP | BPF_JEQ | BPF_K, 0, 3 + no, high),
            load(offset),
            op(BPF_ALU | BPF_AND | BPF_K, 0, 0, word(mask)),
            op(BPF_JMP | BPF_JEQ | BPF_K, yes, no, low),
        ]
    };
    match test {
        Test::Eq => equal(u64::MAX, false),
        Test::Ne => equal(u64::MAX, true),
        Test::Masked(mask) => equal(mask, false),
        Test::Gt => ordered(BPF_JGT, false),
        Test::Ge => ordered(BPF_JGE, false),
        Test::Le => ordered(BPF_JGT, true),
        Test::Lt => ordered(BPF_JGE, true),
    }
}
