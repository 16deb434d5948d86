//! The bytes of a policy, and whether they ask for no more than the bundle gives.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Refusal, refuse};
use crate::bundle::Entry;
use crate::component::Description;
use crate::{shipped, unread};

/// The largest interpreter tried makes components of 19 MiB.
const MAX_COMPONENT: u64 = 32 << 20;

/// `builtin:NAME`, or a path below the bundle's folder or from `/`.
pub(super) fn fetch(plugin: &str, folder: &Path) -> Result<Vec<u8>, Refusal> {
    if let Some(name) = plugin.strip_prefix("builtin:") {
        return shipped::plugin(name).map(<[u8]>::to_vec).ok_or_else(|| {
            let names = shipped::plugin_names().join(", ");
            Refusal::new(
                "plugin",
                format!("there is no built-in plugin `{name}`"),
                format!("one of: {names}"),
            )
        });
    }
    let path = folder.join(plugin);
    let failed = |error: std::io::Error| {
        let remedy =
            "name a file that the user of this process can read; a relative path starts at the bundle";
        let (reason, remedy) = unread::told(&error, &path, remedy.into());
        Refusal::new("plugin", format!("`{}`: {reason}", path.display()), remedy)
    };
    let file = File::open(&path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return refuse("plugin", format!("`{}` is not a file", path.display()), "name the component itself");
    }
    let mut wasm = Vec::new();
    file.take(MAX_COMPONENT + 1).read_to_end(&mut wasm).map_err(failed)?;
    if wasm.len() as u64 > MAX_COMPONENT {
        let detail = format!("`{}` is larger than {} MiB", path.display(), MAX_COMPONENT >> 20);
        return refuse("plugin", detail, "leave out what it does not need (`wasm-tools strip`)");
    }
    Ok(wasm)
}

/// The import list is the boundary: what is not granted cannot be called.
pub(super) fn granted(entry: &Entry, described: &Description) -> Result<(), Refusal> {
    if let Some(unknown) = described.unknown_imports.first() {
        let remedy = if unknown.starts_with("wasi:") {
            "policies have no WASI: build for wasm32-unknown-unknown, or with the WASI stubs of the SDK"
        } else {
            "build it against this version's sdk/wit, or update Stockade"
        };
        return refuse("import", format!("it imports `{unknown}`, which Stockade does not have"), remedy);
    }
    let words: BTreeSet<&str> = entry.grants.iter().map(|grant| grant.word()).collect();
    let missing: Vec<&str> =
        described.grants.iter().copied().filter(|grant| !words.contains(grant)).collect();
    if !missing.is_empty() {
        return refuse(
            "grant",
            format!("it asks for {} and is not granted that", missing.join(", ")),
            format!("if it may, add to the policy: grants = {:?}", [entry.words(), missing].concat()),
        );
    }
    Ok(())
}
