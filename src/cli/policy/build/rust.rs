//! A Rust policy: cargo makes a core module of it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::output::Failure;
use crate::policy::project::Project;

const TARGET: &str = "wasm32-unknown-unknown";

pub(super) fn compile(project: &Project) -> Result<Vec<u8>, Failure> {
    wants_target(&project.dir)?;
    let module = cargo(&project.dir)?;
    fs::read(&module).map_err(|error| Failure::caused(&format!("cannot read {}", module.display()), &error))
}

/// A stack of 64 KiB: an instance is made for every call, and its memory with it.
const FLAGS: &str = "-Clink-arg=-zstack-size=65536";
/// They would change the bytes.
const OTHER_FLAGS: [&str; 3] =
    ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"];

/// Without it cargo explains at length that `core` is missing.
fn wants_target(dir: &Path) -> Result<(), Failure> {
    let output = tool("RUSTC", "rustc")
        .current_dir(dir)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    let output = output.map_err(|error| no_rust("rustc", &error))?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && libraries.is_dir() {
        return Ok(());
    }
    Err(Failure::new(format!("this Rust cannot compile for {TARGET}"))
        .hint(format!("rustup target add {TARGET}")))
}

/// Where cargo left the module. What it has to say goes to stderr as it says it.
fn cargo(dir: &Path) -> Result<PathBuf, Failure> {
    let mut cargo = tool("CARGO", "cargo");
    let profiles = env::vars_os().map(|(name, _)| name);
    for name in profiles.filter(|name| name.as_encoded_bytes().starts_with(b"CARGO_PROFILE_")) {
        cargo.env_remove(name);
    }
    for name in OTHER_FLAGS {
        cargo.env_remove(name);
    }
    let output = cargo
        .current_dir(dir)
        .args([
            "build",
            "--profile",
            "plugin",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ])
        .envs([("RUSTFLAGS", FLAGS), ("CARGO_INCREMENTAL", "0")])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| no_rust("cargo", &error))?;
    if !output.status.success() {
        return Err(Failure::new(format!("cargo could not build {}", dir.display())));
    }
    let manifest = dir.canonicalize().unwrap_or_else(|_| dir.into()).join("Cargo.toml");
    module_of(&String::from_utf8_lossy(&output.stdout), &manifest).ok_or_else(|| {
        Failure::new(format!("{} makes no module", dir.display()))
            .hint("its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\"]`")
    })
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The .wasm file in what cargo tells about the package of `manifest`.
fn module_of(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let ours = messages.filter(|message| message.manifest_path == manifest);
    ours.flat_map(|message| message.filenames).find(|file| file.extension().is_some_and(|it| it == "wasm"))
}

/// As cargo and its plugins name the tools of their toolchain.
fn tool(variable: &str, name: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| OsString::from(name)))
}

fn no_rust(tool: &str, error: &std::io::Error) -> Failure {
    Failure::caused(&format!("cannot start {tool}"), error).hint("install Rust: https://rustup.rs")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::module_of;

    #[test]
    fn the_module_is_that_of_the_package_itself() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/x/sdk/Cargo.toml","filenames":["/t/sdk.wasm"]}
{"reason":"compiler-artifact","manifest_path":"/x/p/Cargo.toml","filenames":["/t/p.d","/t/p.wasm"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(module_of(messages, Path::new("/x/p/Cargo.toml")), Some("/t/p.wasm".into()));
        assert_eq!(module_of(messages, Path::new("/x/q/Cargo.toml")), None);
        assert_eq!(module_of("warning: text\n", Path::new("/x/p/Cargo.toml")), None);
    }
}
