//! Runs a filter as the kernel does, and refuses what its checker refuses (`seccomp_check_filter` of kernel/seccomp.c).

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET,
    BPF_W,
};
use seccompiler::sock_filter;

const LOAD: u32 = BPF_LD | BPF_W | BPF_ABS;
const AND: u32 = BPF_ALU | BPF_AND | BPF_K;
const RET: u32 = BPF_RET | BPF_K;
const LONG_JUMP: u32 = BPF_JMP | BPF_JA;
const EQUAL: u32 = BPF_JMP | BPF_JEQ | BPF_K;
const GREATER: u32 = BPF_JMP | BPF_JGT | BPF_K;
const GREATER_OR_EQUAL: u32 = BPF_JMP | BPF_JGE | BPF_K;
const ANY_BIT: u32 = BPF_JMP | BPF_JSET | BPF_K;

/// `struct seccomp_data`, without the instruction pointer.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) nr: u32,
    pub(super) arch: u32,
    pub(super) args: [u64; 6],
}

impl Call {
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.nr,
            4 => self.arch,
            16..64 if offset.is_multiple_of(4) => {
                let index = usize::try_from((offset - 16) / 8).expect("below 6");
                let halves = self.args[index].to_le_bytes();
                let half = if offset.is_multiple_of(8) { &halves[..4] } else { &halves[4..] };
                u32::from_le_bytes(half.try_into().expect("four bytes"))
            }
            _ => panic!("a load from offset {offset}"),
        }
    }
}

/// What the filter returns for the call.
pub(super) fn run(program: &[sock_filter], call: &Call) -> u32 {
    let (mut accumulator, mut at) = (0, 0);
    loop {
        let instruction = &program[at];
        let k = instruction.k;
        at += 1;
        let condition = match u32::from(instruction.code) {
            LOAD => {
                accumulator = call.word(k);
                continue;
            }
            AND => {
                accumulator &= k;
                continue;
            }
            LONG_JUMP => {
                at += usize::try_from(k).expect("64 bits");
                continue;
            }
            RET => return k,
            EQUAL => accumulator == k,
            GREATER => accumulator > k,
            GREATER_OR_EQUAL => accumulator >= k,
            ANY_BIT => accumulator & k != 0,
            code => panic!("opcode {code:#x}"),
        };
        at += usize::from(if condition { instruction.jt } else { instruction.jf });
    }
}

/// Panics on a program that the kernel would not load, unless it is only too long.
pub(super) fn check(program: &[sock_filter]) {
    assert!(!program.is_empty());
    for (at, instruction) in program.iter().enumerate() {
        let reach = match u32::from(instruction.code) {
            LOAD => {
                assert!(instruction.k < 64 && instruction.k.is_multiple_of(4), "load at {at}");
                0
            }
            AND => 0,
            LONG_JUMP => usize::try_from(instruction.k).expect("64 bits"),
            EQUAL | GREATER | GREATER_OR_EQUAL | ANY_BIT => usize::from(instruction.jt.max(instruction.jf)),
            RET => continue,
            code => panic!("opcode {code:#x} at {at}"),
        };
        assert!(at + 1 + reach < program.len(), "instruction {at} leaves the program");
    }
}
