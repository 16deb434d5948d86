use sandbox::Profiles;

use super::{kind, shipped};
use crate::change::Form;
use crate::hunt::Target;

/// The most instructions of a filter: BPF_MAXINSNS of linux/bpf_common.h.
const MOST: usize = 4096;

/// Seccomp profiles in OCI's JSON.
pub(super) fn target() -> Target {
    let words = &[
        "SCMP_ACT_ALLOW",
        "SCMP_ACT_ERRNO",
        "SCMP_ACT_KILL_PROCESS",
        "SCMP_CMP_EQ",
        "SCMP_CMP_MASKED_EQ",
        "SCMP_CMP_GE",
        "SCMP_ARCH_X86_64",
        "args",
        "valueTwo",
        "index",
        "defaultErrnoRet",
        "clone",
        "prctl",
        "x32",
    ];
    Target { name: "profile", form: Form::Json, seeds, words, tried }
}

fn seeds() -> Vec<Vec<u8>> {
    shipped(&[
        "seccomp/strict.json",
        "seccomp/default.json",
        "seccomp/build.json",
        "seccomp/tool.json",
        "seccomp/daemon.json",
    ])
}

fn tried(input: &[u8]) -> String {
    let Ok(text) = str::from_utf8(input) else { return "not UTF-8".into() };
    let mut profiles = Profiles::builtin();
    match profiles.add("fuzz", text) {
        Ok(()) => {
            let length = profiles.get("fuzz").expect("it was added").program.len();
            assert!((1..=MOST).contains(&length), "{length} instructions");
            format!("{} instructions", length.ilog2())
        }
        Err(error) => {
            assert!(profiles.get("fuzz").is_none(), "refused and there: {error}");
            kind(&error.to_string())
        }
    }
}
