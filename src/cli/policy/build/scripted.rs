//! Policies in JavaScript and Python: their own tools, pinned by the project, make the component.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::output::Failure;
use crate::policy::project::{Language, Project};

/// Where the project's own build leaves the component, without metadata.
const RAW: &str = "build/policy.wasm";

pub(super) fn compile(project: &Project) -> Result<Vec<u8>, Failure> {
    let raw = project.dir.join(RAW);
    // A build that fails to say that it failed must not ship the last one.
    if let Err(error) = fs::remove_file(&raw)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(Failure::caused(&format!("cannot remove {}", raw.display()), &error));
    }
    match project.language {
        Language::Python => {
            run(&project.dir, "sh", &["build.sh"], "install python3 (3.10 or newer) and python3-venv")?;
        }
        _ => npm(&project.dir)?,
    }
    fs::read(&raw).map_err(|error| {
        Failure::caused(&format!("cannot read {}", raw.display()), &error)
            .hint("the project's build must write it")
    })
}

fn npm(dir: &Path) -> Result<(), Failure> {
    let hint = "install Node.js (18 or newer) with npm";
    if !is_installed(dir) {
        run(dir, "npm", &["install", "--no-audit", "--no-fund"], hint)?;
    }
    run(dir, "npm", &["run", "--silent", "build"], hint)
}

/// npm writes its own lock file last.
fn is_installed(dir: &Path) -> bool {
    let time = |name: &str| fs::metadata(dir.join(name)).and_then(|file| file.modified()).ok();
    let installed = time("node_modules/.package-lock.json");
    installed.is_some()
        && ["package.json", "package-lock.json"].into_iter().all(|wanted| time(wanted) <= installed)
}

/// What the tool says goes to stderr: stdout is ours.
fn run(dir: &Path, tool: &str, args: &[&str], hint: &str) -> Result<(), Failure> {
    let failed = |error: &io::Error| Failure::caused(&format!("cannot start {tool}"), error).hint(hint);
    let stderr = io::stderr().as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
    let status = Command::new(tool)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(stderr)
        .status()
        .map_err(|error| failed(&error))?;
    if status.success() {
        return Ok(());
    }
    let command = [&[tool], args].concat().join(" ");
    Err(Failure::new(format!("`{command}` in {}: {status}", dir.display())).hint(hint))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{RAW, compile, is_installed};
    use crate::policy::project::{Language, Project};
    use crate::policy::testing::{self, Folder};

    fn project(folder: &Folder, script: &str) -> Project {
        folder.write("build.sh", script);
        Project { dir: folder.path().into(), language: Language::Python, metadata: testing::metadata() }
    }

    #[test]
    fn the_projects_build_writes_the_component() {
        let folder = Folder::new();
        let project = project(&folder, "echo words; mkdir -p build && printf new > build/policy.wasm\n");
        assert_eq!(compile(&project).expect("built"), b"new");
    }

    #[test]
    fn an_old_component_is_never_taken_for_a_new_one() {
        let folder = Folder::new();
        fs::create_dir(folder.path().join("build")).expect("a folder of ours");
        for script in ["exit 1", "true"] {
            folder.write(RAW, "old");
            assert!(compile(&project(&folder, script)).is_err(), "{script}");
        }
    }

    #[test]
    fn what_is_installed_is_not_installed_again() {
        let folder = Folder::new();
        folder.write("package.json", "{}");
        assert!(!is_installed(folder.path()));
        fs::create_dir(folder.path().join("node_modules")).expect("a folder of ours");
        folder.write("node_modules/.package-lock.json", "{}");
        assert!(is_installed(folder.path()));
        let newer = fs::File::create(folder.path().join("package-lock.json")).expect("a folder of ours");
        newer.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).expect("ours");
        assert!(!is_installed(folder.path()));
    }
}
