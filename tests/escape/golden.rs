//! What every syscall answers under a profile, by class: a profile that lets one more through, or refuses one in
//! another way, shows as one line. `STOCKADE_BLESS=1` writes the tables anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Number to name and class.
pub(crate) type Table = BTreeMap<u32, (String, String)>;

pub(crate) fn check(profile: &str, printed: &str) -> Result<(), String> {
    let now = table(printed.lines())?;
    let file = file(profile);
    if std::env::var_os("STOCKADE_BLESS").is_some_and(|value| value == "1") {
        return fs::write(&file, written(profile, &now)).map_err(|error| error.to_string());
    }
    let golden = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let blessed_on = golden.lines().find_map(|line| line.strip_prefix("# kernel ")).unwrap_or_default();
    let same_kernel = blessed_on == kernel();
    let before = table(golden.lines().filter(|line| !line.starts_with('#')))?;
    let differences = compare(&before, &now, same_kernel);
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}, blessed on kernel {blessed_on}, this is {} (STOCKADE_BLESS=1 writes it anew):\n{differences}",
        file.display(),
        kernel()
    ))
}

/// As a diff; empty where both are the same.
pub(crate) fn compare(before: &Table, now: &Table, same_kernel: bool) -> String {
    let mut text = String::new();
    for number in before.keys().chain(now.keys().filter(|number| !before.contains_key(number))) {
        let (old, new) = (before.get(number), now.get(number));
        let class = |entry: Option<&(String, String)>| entry.map(|(_, class)| class.clone());
        // What a profile allows, a kernel of another version or configuration may not have.
        let lacking = class(old).is_some_and(|class| class == "other")
            && class(new).is_some_and(|class| class == "ENOSYS");
        if class(old) == class(new) || (lacking && !same_kernel) {
            continue;
        }
        for (sign, entry) in [('-', old), ('+', new)] {
            if let Some((name, class)) = entry {
                writeln!(text, "{sign} {number} {name} {class}").ok();
            }
        }
    }
    text
}

/// Reads `NUMBER NAME RESULT` lines.
pub(crate) fn table<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Table, String> {
    lines
        .map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
            [number, name, result] => {
                let number = number.parse().map_err(|_| format!("no number: {line}"))?;
                Ok((number, (name.to_owned(), class(result).to_owned())))
            }
            _ => Err(format!("not NUMBER NAME RESULT: {line}")),
        })
        .collect()
}

/// A refusal exactly; all else as one, since other errors tell of the kernel and not of the filter.
fn class(result: &str) -> &str {
    match result {
        "EPERM" | "ENOSYS" | "SIGSYS" | "skipped" => result,
        _ => "other",
    }
}

fn written(profile: &str, table: &Table) -> String {
    let mut text = format!(
        "# What each syscall answers under the profile `{profile}` with -1 for every argument: see all_syscalls.c.\n\
         # kernel {}\n",
        kernel()
    );
    for (number, (name, class)) in table {
        writeln!(text, "{number} {name} {class}").ok();
    }
    text
}

/// `6.18` of `6.18.44-something`.
fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}

fn file(profile: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("escape/golden");
    folder.join(format!("{profile}.x86_64.txt"))
}
