use std::path::Path;

use admission::{Bundle, BundleError};

use super::{kind, shipped};
use crate::change::Form;
use crate::hunt::Target;

/// Bundles of policies: the operator's own, but one that is not taken must say where it is wrong.
pub(super) fn target() -> Target {
    let words = &[
        "[[policy]]",
        "plugin = ",
        "order = 1",
        "mode = \"audit\"",
        "[tables.a]",
        "match = {}",
        "grants = []",
    ];
    Target { name: "bundle", form: Form::Lines, seeds, words, tried }
}

fn seeds() -> Vec<Vec<u8>> {
    shipped(&["default.toml", "ci.toml", "ide.toml", "judge.toml"])
}

fn tried(input: &[u8]) -> String {
    let Ok(text) = str::from_utf8(input) else { return "not UTF-8".into() };
    match Bundle::parse("fuzz", Path::new(""), text) {
        Ok(bundle) => format!("{} policies", bundle.policies.len()),
        Err(BundleError { line, code, detail, remedy, .. }) => {
            assert!(!detail.is_empty() && !remedy.is_empty(), "{code}: {detail:?}, {remedy:?}");
            assert!(line <= text.split('\n').count(), "line {line} of {text:?}");
            format!("{code} {}", kind(&detail))
        }
    }
}
