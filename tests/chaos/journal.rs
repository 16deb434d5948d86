//! A journal that no daemon has open, looked at by SQLite itself.

use std::process::Command;

use support::State;

const CHECK: &str = "
import sqlite3, sys
journal = sqlite3.connect(sys.argv[1])
for check in 'integrity_check', 'foreign_key_check':
    for row in journal.execute('pragma ' + check):
        print(check, *row)
";

/// Panics with what is damaged.
pub(crate) fn is_intact(state: &State) {
    let file = state.path().join("journal.sqlite3");
    let checked =
        Command::new("/usr/bin/python3").args(["-c", CHECK]).arg(&file).output().expect("python3 runs");
    let (told, failed) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert_eq!((told.trim(), failed.trim()), ("integrity_check ok", ""), "{}", file.display());
}
