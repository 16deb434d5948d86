//! bwrap, runc and podman from Debian, each asked for a fresh container around `true`.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use support::Temp;

use crate::contender::{Contender, Skipped};

/// A command line; `{}` in it becomes another number for every run.
struct Peer {
    name: &'static str,
    words: Vec<String>,
    runs: AtomicU64,
    _files: Option<Temp>,
}

fn peer(name: &'static str, line: &str, files: Option<Temp>) -> Box<dyn Contender> {
    let words = line.split_whitespace().map(String::from).collect();
    Box::new(Peer { name, words, runs: AtomicU64::new(0), _files: files })
}

impl Contender for Peer {
    fn name(&self) -> String {
        self.name.into()
    }

    fn client(&self) -> Box<dyn FnMut() -> Result<(), String> + '_> {
        Box::new(move || {
            let number = self.runs.fetch_add(1, Ordering::Relaxed).to_string();
            let words = self.words.iter().map(|word| word.replace("{}", &number));
            let mut command = Command::new(&self.words[0]);
            let output =
                command.args(words.skip(1)).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
            let error = String::from_utf8_lossy(&output.stderr);
            if output.status.success() { Ok(()) } else { Err(error.trim().replace('\n', "; ")) }
        })
    }
}

type Made = Result<Box<dyn Contender>, Skipped>;

pub(crate) fn all() -> Vec<Made> {
    vec![
        installed("bwrap", "bubblewrap").map(|()| bwrap()),
        installed("runc", "runc").and_then(|()| rootfs("runc")).map(runc),
        installed("podman", "podman").and_then(|()| rootfs("podman")).map(podman),
    ]
}

fn installed(name: &str, package: &str) -> Result<(), Skipped> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&folders).any(|folder| folder.join(name).exists()) {
        return Ok(());
    }
    Err(Skipped { name: name.into(), reason: format!("not installed (package {package})") })
}

/// A root filesystem with nothing but a static busybox as `true`.
fn rootfs(name: &str) -> Result<Temp, Skipped> {
    let missing = |reason: String| Skipped { name: name.into(), reason };
    let temp = Temp::new();
    let bin = temp.path().join("rootfs/bin");
    fs::create_dir_all(&bin).map_err(|error| missing(error.to_string()))?;
    fs::copy("/bin/busybox", bin.join("busybox"))
        .map_err(|_| missing("needs /bin/busybox (package busybox-static)".into()))?;
    symlink("busybox", bin.join("true")).map_err(|error| missing(error.to_string()))?;
    Ok(temp)
}

fn bwrap() -> Box<dyn Contender> {
    let line = "bwrap --unshare-all --die-with-parent --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \
                --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp true";
    peer("bwrap --unshare-all", line, None)
}

fn runc(files: Temp) -> Box<dyn Contender> {
    let bundle = files.path().display().to_string();
    // It fails with its own words at the first run, which names it as skipped.
    let _ = Command::new("runc").args(["spec", "--bundle", &bundle]).output();
    let file = files.path().join("config.json");
    let text = fs::read_to_string(&file).unwrap_or_default();
    if let Ok(mut config) = serde_json::from_str::<Value>(&text) {
        config["process"]["args"] = json!(["/bin/true"]);
        config["process"]["terminal"] = json!(false);
        let _ = fs::write(&file, config.to_string());
    }
    let line = format!("runc run --bundle {bundle} stockade-bench-{}-{{}}", std::process::id());
    peer("runc run", &line, Some(files))
}

fn podman(files: Temp) -> Box<dyn Contender> {
    let rootfs = files.path().join("rootfs").display().to_string();
    // With runc and limits of its own, since Debian 12's crun refuses hybrid cgroups and root's usual limits.
    let limits = "--ulimit nofile=1024:1024 --ulimit nproc=1000:1000";
    let line = format!("podman --runtime runc run --rm --network none {limits} --rootfs {rootfs} /bin/true");
    peer("podman run", &line, Some(files))
}
