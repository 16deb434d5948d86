//! The tree against two other readings of the same rules, and the shipped profiles against what they promise.

mod equivalence;
mod generate;
mod interpret;
mod linear;
mod parsing;
mod shipped;

use super::rules::Rules;
use super::target::Target;
use interpret::Call;

const HOST: Target = Target { arch: super::table::Arch::X86_64, kernel: (6, 18) };

/// Straight from the rules, without BPF: the meaning that both programs must have.
fn decide(rules: &Rules, target: Target, call: &Call) -> u32 {
    use super::rules::{Action, Condition, Test};

    if call.arch != target.arch.audit() {
        return Action::KILL_PROCESS.0;
    }
    if call.nr != u32::MAX && target.arch.x32_bit().is_some_and(|bit| call.nr & bit != 0) {
        return Action::KILL_PROCESS.0;
    }
    let holds = |&Condition { arg, test, value }: &Condition| {
        let given = call.args[usize::from(arg)];
        match test {
            Test::Ne => given != value,
            Test::Lt => given < value,
            Test::Le => given <= value,
            Test::Eq => given == value,
            Test::Ge => given >= value,
            Test::Gt => given > value,
            Test::Masked(mask) => given & mask == value,
        }
    };
    let rules_of_call = rules.calls.get(&call.nr).into_iter().flatten();
    let first = rules_of_call.into_iter().find(|rule| rule.conditions.iter().all(holds));
    first.map_or(rules.default, |rule| rule.action).0
}
