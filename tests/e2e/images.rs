//! Images and volumes from the command line, without a server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Case, Needs, Ran, STATE_DIR, State, Temp, Who, cases, stockade};

pub(crate) fn cases() -> Vec<Case> {
    let all = cases![
        an_archive_is_imported_listed_and_removed,
        a_job_has_the_images_root_and_settings,
        names_of_users_are_the_images,
        volumes_outlive_jobs,
        what_a_job_changed_becomes_an_image,
        a_dry_run_changes_nothing,
        refused,
    ];
    let needs = |case: Case| case.needs(Needs::Program("busybox")).needs(Needs::Program("tar"));
    all.into_iter().map(|case| needs(case).only(&Who::ALL)).collect()
}

/// A store of this case's own, with an image `bb:1`.
struct Here {
    who: Who,
    state: State,
    temp: Temp,
}

impl Here {
    fn new(who: Who) -> Self {
        let here = Self { who, state: State::new(who), temp: Temp::new() };
        let archive = archive(&here.temp);
        assert_eq!(here.done(&["image", "import", &archive, "--name", "bb:1"]), "docker.io/library/bb:1\n");
        here
    }

    fn ask(&self, words: &[&str]) -> Ran {
        ran(self.who, &self.state, words)
    }

    /// What must succeed; its standard output.
    fn done(&self, words: &[&str]) -> String {
        let ran = self.ask(words);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        ran.text()
    }

    /// `run --image bb:1 …`.
    fn run(&self, words: &[&str]) -> String {
        self.done(&[&["run", "--image", "bb:1"], words].concat())
    }
}

/// A root filesystem of Debian's static busybox, as a tar.
pub(crate) fn archive(temp: &Temp) -> String {
    let root = temp.path().join("rootfs");
    for folder in ["bin", "etc", "tmp", "home/alice"] {
        fs::create_dir_all(root.join(folder)).expect("a folder of our own");
    }
    fs::copy(busybox(), root.join("bin/busybox")).expect("busybox can be read");
    for name in ["sh", "cat", "id", "ls", "touch", "echo", "env", "rm", "true"] {
        symlink("busybox", root.join("bin").join(name)).expect("a link of our own");
    }
    let passwd = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n";
    fs::write(root.join("etc/passwd"), passwd).expect("a file of our own");
    fs::write(root.join("etc/group"), "root:x:0:\nalice:x:1000:\nstaff:x:50:\n").expect("the same");
    let archive = temp.path().join("rootfs.tar");
    let mut tar = Command::new("tar");
    tar.arg("-C")
        .arg(&root)
        .args(["--owner=0", "--group=0", "--numeric-owner", "-cf"])
        .arg(&archive)
        .arg(".");
    assert!(tar.status().expect("tar runs").success());
    archive.to_str().expect("text").to_owned()
}

/// By this user, with this state directory.
pub(crate) fn ran(who: Who, state: &State, words: &[&str]) -> Ran {
    let mut command = who.command(stockade());
    command.args(words).env(STATE_DIR, state.path());
    let output = command.output().expect("the binary starts");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: std::time::Duration::ZERO,
    }
}

fn busybox() -> PathBuf {
    ["/usr/bin/busybox", "/bin/busybox"]
        .iter()
        .map(Path::new)
        .find(|path| path.exists())
        .expect("busybox")
        .into()
}

fn an_archive_is_imported_listed_and_removed(who: Who) {
    let here = Here::new(who);
    let listed: serde_json::Value =
        serde_json::from_str(&here.done(&["image", "ls", "--json"])).expect("JSON");
    assert_eq!(listed[0]["name"], "docker.io/library/bb:1", "{listed}");
    assert_eq!(here.done(&["image", "ls", "-q"]), "docker.io/library/bb:1\n");
    let table = here.done(&["image", "ls"]);
    assert!(table.starts_with("NAME") && table.lines().count() == 2, "{table}");
    let digest = listed[0]["digest"].as_str().expect("a digest").to_owned();
    let about: serde_json::Value =
        serde_json::from_str(&here.done(&["image", "inspect", &digest])).expect("JSON");
    assert_eq!(about["digest"], digest.as_str(), "{about}");
    let out = here.state.path().join("../out.tar");
    let out = out.to_str().expect("text");
    here.done(&["image", "export", "bb:1", "-o", out, "--format", "docker-archive"]);
    assert_eq!(here.done(&["image", "rm", "bb:1"]), "docker.io/library/bb:1\n");
    assert_eq!(here.done(&["image", "ls", "-q"]), "");
    assert!(here.done(&["image", "gc"]).starts_with("freed 0 B"), "removing has swept already");
    // What was exported comes back as what it was.
    assert_eq!(here.done(&["image", "import", "-q", out]), "docker.io/library/bb:1\n");
    assert_eq!(here.run(&["echo", "again"]), "again\n");
}

fn a_job_has_the_images_root_and_settings(who: Who) {
    let here = Here::new(who);
    assert_eq!(here.run(&["sh", "-c", "echo $0 > /made && cat /made"]), "sh\n");
    // The next job has a root of its own.
    assert_eq!(here.run(&["sh", "-c", "cat /made 2>/dev/null || echo gone"]), "gone\n");
    assert_eq!(here.run(&["-w", "/etc", "-e", "A=b", "sh", "-c", "echo $PWD $A"]), "/etc b\n");
    let job: serde_json::Value = serde_json::from_str(&here.run(&["--json", "true"])).expect("a job as JSON");
    assert_eq!(job["status"], "succeeded", "{job}");
    // A root filesystem has no config, so there is nothing to run.
    let ran = here.ask(&["run", "--image", "bb:1"]);
    assert!(ran.code == 125 && ran.stderr.contains("CMD"), "{ran:?}");
}

fn names_of_users_are_the_images(who: Who) {
    let here = Here::new(who);
    assert!(here.run(&["id"]).starts_with("uid=0(root) gid=0(root)"));
    let ran = here.ask(&["run", "--image", "bb:1", "-u", "bob", "id"]);
    assert!(ran.code == 125 && ran.stderr.contains("--user: the image has no user `bob`"), "{ran:?}");
    let script = "id; echo $HOME";
    let said = here.run(&["-u", "alice:staff", "sh", "-c", script]);
    assert_eq!(said, "uid=1000(alice) gid=50(staff)\n/home/alice\n");
}

fn volumes_outlive_jobs(who: Who) {
    let here = Here::new(who);
    here.run(&["-v", "cache:/cache", "sh", "-c", "echo kept > /cache/file"]);
    assert_eq!(here.run(&["-v", "cache:/cache:ro", "cat", "/cache/file"]), "kept\n");
    let ran = here.ask(&["run", "--image", "bb:1", "-v", "cache:/cache:ro", "touch", "/cache/other"]);
    assert!(ran.code == 1 && ran.stderr.contains("Read-only"), "{ran:?}");
    let about: serde_json::Value =
        serde_json::from_str(&here.done(&["volume", "inspect", "cache"])).expect("JSON");
    assert!(about["used_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "it was measured: {about}");
    assert_eq!(here.done(&["volume", "create", "small", "--size", "1m"]), "small\n");
    assert_eq!(here.done(&["volume", "ls", "-q"]), "cache\nsmall\n");
    let ran = here.ask(&["volume", "create", "small"]);
    assert!(ran.code == 2 && ran.stderr.contains("hint: "), "{ran:?}");
    assert_eq!(here.done(&["volume", "rm", "cache", "small"]), "cache\nsmall\n");
    assert_eq!(here.run(&["-v", "cache:/cache", "ls", "/cache"]), "", "it is another volume");
}

fn what_a_job_changed_becomes_an_image(who: Who) {
    let here = Here::new(who);
    here.run(&["--commit", "bb:2", "sh", "-c", "echo new > /new; rm /bin/env; echo no > /workspace/x"]);
    let look = "cat /new; ls /bin/env /workspace/x 2>/dev/null; true";
    assert_eq!(here.done(&["run", "--image", "bb:2", "sh", "-c", look]), "new\n");
    assert_eq!(here.run(&["ls", "/bin/env"]), "/bin/env\n", "the image below is as it was");
    // A job that failed has no image.
    let ran = here.ask(&["run", "--image", "bb:1", "--commit", "bb:3", "sh", "-c", "exit 4"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(here.done(&["image", "ls", "-q"]).lines().count(), 2);
    assert_eq!(here.done(&["image", "rm", "bb:1", "bb:2"]).lines().count(), 2);
}

fn a_dry_run_changes_nothing(who: Who) {
    let here = Here::new(who);
    let plan: serde_json::Value =
        serde_json::from_str(&here.run(&["--dry-run", "-v", "v:/cache", "true"])).expect("a plan as JSON");
    assert_eq!(plan["root"]["image"]["reference"], "docker.io/library/bb:1", "{plan}");
    assert_eq!(here.done(&["volume", "ls", "-q"]), "");
}

fn refused(who: Who) {
    let here = Here::new(who);
    let mistakes: [(&[&str], i32, &str); 8] = [
        (&["run", "--image", "none:1", "--pull", "never", "true"], 125, "there is no image none:1"),
        (&["run", "--image", "UPPER", "true"], 125, "UPPER"),
        (&["run", "-v", "/tmp:/cache", "true"], 125, "--host-path"),
        (&["run", "-v", "v:/etc", "true"], 125, "--volume"),
        (&["run", "--commit", "x:1", "true"], 125, "--commit"),
        (&["image", "rm", "none:1"], 2, "there is no image none:1"),
        (&["image", "import", "/etc/hostname"], 2, "archive"),
        (&["image", "ls", "--server", "http://127.0.0.1:1", "--state-dir", "/tmp"], 2, "--server"),
    ];
    for (words, code, told) in mistakes {
        let ran = here.ask(words);
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(told), "{words:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{words:?}: {ran:?}");
    }
}
