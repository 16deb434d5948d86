use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::Temp;

static COPY: Mutex<Option<Temp>> = Mutex::new(None);

/// The binary under test: `STOCKADE_BIN`, or built once from this workspace; copied to where every user can reach it.
pub fn stockade() -> &'static Path {
    // A failure is kept too: building again for every case would not mend it.
    static PATH: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = PATH.get_or_init(|| {
        let built = env::var_os("STOCKADE_BIN").map_or_else(build, |path| Ok(path.into()))?;
        let temp = Temp::new();
        let path = temp.path().join("stockade");
        fs::copy(&built, &path).unwrap_or_else(|error| panic!("cannot copy {}: {error}", built.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode of an own file");
        *COPY.lock().unwrap_or_else(PoisonError::into_inner) = Some(temp);
        Ok(path)
    });
    made.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// Statics are never dropped, so the suite's end removes the copy.
pub(crate) fn remove_copy() {
    COPY.lock().unwrap_or_else(PoisonError::into_inner).take();
}

fn build() -> Result<PathBuf, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "--bin", "stockade", "--manifest-path"]);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
    if cfg!(debug_assertions) {
        // The features of `cargo test --workspace`: of all members, and, by `--examples`, of what tests need. Others would
        // build the dependencies once more.
        command.args(["--workspace", "--examples"]);
    } else {
        command.args(["--release", "-p", "cli"]);
    }
    let status = command.status().expect("cargo runs");
    if !status.success() {
        return Err("`cargo build --bin stockade` failed".into());
    }
    // …/target/debug/deps/sandbox-0123: two folders up is the profile's.
    let own = env::current_exe().expect("a test knows its path");
    let folder = own.ancestors().nth(2).expect("a test lies in target/PROFILE/deps");
    Ok(folder.join("stockade"))
}
