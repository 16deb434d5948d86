//! What a profile says on one kind of host: system calls by number, conditions, actions.
//!
//! **Precedence.** The rules of one call are tried in the order of the file; the first whose conditions all hold
//! decides, and behind the last one stands the default action. Where all rules of a call have the same action (every
//! Docker profile) the order says nothing, and this is what libseccomp does. Where they differ, libseccomp lets a rule
//! without conditions replace all others, so "refuse this ioctl, allow the rest" cannot be said there at all.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{ActionName, ArgDocument, Document, Op, RuleDocument};
use super::error::{ProfileError, RuleError};
use super::table::known_somewhere;
use super::target::Target;

/// `MAX_ERRNO` of linux/err.h: the kernel clamps what a filter returns above it.
const MAX_ERRNO: u32 = 4095;
const EPERM: u32 = libc::EPERM.unsigned_abs();

/// What a filter returns: the action in the high half, its data in the low half (seccomp(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Action(pub(super) u32);

impl Action {
    pub(super) const KILL_PROCESS: Self = Self(libc::SECCOMP_RET_KILL_PROCESS);

    pub(super) const fn errno(errno: u32) -> Self {
        Self(libc::SECCOMP_RET_ERRNO | errno)
    }
}

/// Comparisons are of all 64 bits and unsigned, also where the kernel looks at fewer: `Masked` is for those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    Ne,
    Lt,
    Le,
    Eq,
    Ge,
    Gt,
    Masked(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Condition {
    /// 0 to 5.
    pub(super) arg: u8,
    pub(super) test: Test,
    pub(super) value: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    /// All must hold; none means always.
    pub(super) conditions: Vec<Condition>,
    pub(super) action: Action,
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) default: Action,
    /// In the order of the file.
    pub(super) calls: BTreeMap<u32, Vec<Rule>>,
    /// Names of no system call: typos.
    pub(super) skipped: BTreeSet<String>,
}

impl Rules {
    pub(super) fn parse(json: &str, target: Target) -> Result<Self, ProfileError> {
        let document: Document = serde_json::from_str(json)?;
        if document.architectures.is_some() && document.arch_map.is_some() {
            return Err(ProfileError::TwoArchitectureLists);
        }
        let default =
            action(document.default_action, document.default_errno_ret, document.default_errno.as_deref())
                .map_err(|problem| ProfileError::Rule { at: "defaultAction".into(), problem })?;
        let mut rules = Self { default, calls: BTreeMap::new(), skipped: BTreeSet::new() };
        let numbers = target.arch.numbers();
        for (index, rule) in document.syscalls.iter().enumerate() {
            rules
                .add(rule, target, &numbers)
                .map_err(|problem| ProfileError::Rule { at: format!("syscalls[{index}]"), problem })?;
        }
        Ok(rules)
    }

    fn add(
        &mut self,
        document: &RuleDocument,
        target: Target,
        numbers: &BTreeMap<&str, u32>,
    ) -> Result<(), RuleError> {
        let rule = Rule {
            conditions: conditions(document.args.as_deref().unwrap_or_default())?,
            action: action(document.action, document.errno_ret, document.errno.as_deref())?,
        };
        let wanted = target.wants(document)?;
        for name in names(document)? {
            match numbers.get(name.as_str()) {
                Some(&nr) if wanted => self.calls.entry(nr).or_default().push(rule.clone()),
                None if !known_somewhere(name) => drop(self.skipped.insert(name.clone())),
                Some(_) | None => {}
            }
        }
        Ok(())
    }
}

fn names(rule: &RuleDocument) -> Result<&[String], RuleError> {
    match (&rule.names, &rule.name) {
        (Some(names), None) if !names.is_empty() => Ok(names),
        (None, Some(name)) => Ok(std::slice::from_ref(name)),
        _ => Err(RuleError::Names),
    }
}

fn conditions(args: &[ArgDocument]) -> Result<Vec<Condition>, RuleError> {
    let mut conditions = Vec::<Condition>::with_capacity(args.len());
    for &ArgDocument { index: arg, value, value_two, op } in args {
        if arg > 5 {
            return Err(RuleError::ArgumentIndex(arg));
        }
        if conditions.iter().any(|earlier| earlier.arg == arg) {
            return Err(RuleError::ArgumentTwice(arg));
        }
        let plain = |test| Condition { arg, test, value };
        conditions.push(match op {
            Op::Ne => plain(Test::Ne),
            Op::Lt => plain(Test::Lt),
            Op::Le => plain(Test::Le),
            Op::Eq => plain(Test::Eq),
            Op::Ge => plain(Test::Ge),
            Op::Gt => plain(Test::Gt),
            Op::MaskedEq if value_two & !value != 0 => return Err(RuleError::Mask),
            Op::MaskedEq => Condition { arg, test: Test::Masked(value), value: value_two },
        });
    }
    Ok(conditions)
}

fn action(action: ActionName, errno: Option<u32>, errno_name: Option<&str>) -> Result<Action, RuleError> {
    let plain = match action {
        ActionName::Errno => return errno_action(errno, errno_name),
        // A job may trace itself: SCMP_ACT_TRACE would let it decide about its own calls.
        ActionName::Trace => return Err(RuleError::Action("SCMP_ACT_TRACE")),
        ActionName::Notify => return Err(RuleError::Action("SCMP_ACT_NOTIFY")),
        ActionName::Kill | ActionName::KillThread => libc::SECCOMP_RET_KILL_THREAD,
        ActionName::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
        ActionName::Trap => libc::SECCOMP_RET_TRAP,
        ActionName::Log => libc::SECCOMP_RET_LOG,
        ActionName::Allow => libc::SECCOMP_RET_ALLOW,
    };
    if errno.is_some() || errno_name.is_some() {
        return Err(RuleError::StrayErrno);
    }
    Ok(Action(plain))
}

fn errno_action(errno: Option<u32>, name: Option<&str>) -> Result<Action, RuleError> {
    match (errno, name) {
        // 0 would report a success that never happened.
        (Some(errno @ 1..=MAX_ERRNO), _) => Ok(Action::errno(errno)),
        (Some(errno), _) => Err(RuleError::Errno(errno)),
        (None, Some(name)) => Err(RuleError::NamedErrno(name.to_owned())),
        (None, None) => Ok(Action::errno(EPERM)),
    }
}
