//! `stockade image` and Debian's docker-registry: there and back, by hand or by a server, with bars on a terminal alone.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::{Case, Daemon, Needs, Ran, STATE_DIR, State, Temp, Who, cases, stockade};

use crate::images::{archive, ran};

pub(crate) fn cases() -> Vec<Case> {
    let needs = |case: Case| {
        ["docker-registry", "busybox", "tar", "script"]
            .into_iter()
            .fold(case, |case, need| case.needs(Needs::Program(need)))
    };
    let who = [Who::Root, Who::User, Who::UserWithSubuid];
    cases![there_and_back, a_server_tells_how_far_it_is]
        .into_iter()
        .map(|case| needs(case).only(&who))
        .collect()
}

/// On a free port of loopback, for everybody.
struct Registry {
    child: Child,
    address: String,
    _folder: Temp,
}

impl Registry {
    fn start() -> Self {
        let folder = Temp::new();
        let storage = folder.path().join("storage");
        let config = format!(
            "version: 0.1\nlog: {{level: info}}\nhttp: {{addr: '127.0.0.1:0', secret: x}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}}}\n",
            storage.display()
        );
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(folder.file("config.yml", config))
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let address = lines
            .find_map(|line| Some(line.split_once("listening on ")?.1.split(['"', ' ']).next()?.to_owned()));
        // It must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("it listens"), _folder: folder }
    }

    fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// On a terminal of its own, by script(1): what it shows there, and its exit code.
fn on_a_terminal(who: Who, words: &[&str], state: &State) -> (i32, String) {
    let line = format!("{} {}", stockade().display(), words.join(" "));
    let mut command = who.command("script");
    command.args(["-qec", &line, "/dev/null"]).env(STATE_DIR, state.path()).env("TERM", "xterm");
    let output = command.stdin(Stdio::null()).output().expect("script (Debian: bsdutils)");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A bar, and what moves it.
fn has_bars(shown: &str) -> bool {
    shown.contains("] ") && shown.contains(" of ") && shown.contains('\u{1b}')
}

fn done(who: Who, state: &State, words: &[&str]) -> Ran {
    let ran = ran(who, state, words);
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran
}

fn there_and_back(who: Who) {
    let (registry, temp, here) = (Registry::start(), Temp::new(), State::new(who));
    let (base, made) = (registry.image("bb:1"), registry.image("team/bb:2"));
    done(who, &here, &["image", "import", "-q", &archive(&temp), "--name", &base]);
    let pushed = done(who, &here, &["image", "push", &base]);
    assert!(pushed.text().starts_with("sha256:") && pushed.stderr.contains(" pushed, "), "{pushed:?}");

    let there = State::new(who);
    let (code, shown) = on_a_terminal(who, &["image", "pull", &base], &there);
    assert!(code == 0 && has_bars(&shown) && shown.contains("unpacked"), "{shown:?}");
    let again = done(who, &there, &["image", "pull", &base]);
    assert!(again.text() == base.clone() + "\n" && again.stderr.contains("there already"), "{again:?}");
    assert!(!again.stderr.contains('\u{1b}') && !has_bars(&again.stderr), "no bars in a pipe: {again:?}");
    assert_eq!(done(who, &there, &["image", "pull", "-q", &base]).stderr, "");

    // It is fetched where it is missing, changed, and sent on.
    let third = State::new(who);
    let words = ["run", "--image", &base, "--commit", &made, "sh", "-c", "echo new > /new"];
    done(who, &third, &words);
    let digest = done(who, &third, &["image", "push", "-q", &made]).text();
    done(who, &there, &["image", "pull", "-q", &made]);
    assert_eq!(
        done(who, &there, &["run", "--image", &made, "--pull", "never", "cat", "/new"]).text(),
        "new\n"
    );
    let listed: Value = done(who, &there, &["image", "ls", "--json"]).json();
    assert_eq!(
        (listed[1]["name"].as_str(), listed[1]["digest"].as_str()),
        (Some(&*made), Some(digest.trim()))
    );
    let about: Value = done(who, &there, &["image", "inspect", &made]).json();
    assert_eq!(about["layer"].as_array().map(Vec::len), Some(2), "{about}");
    assert_eq!(done(who, &there, &["image", "rm", &made, &base]).text(), format!("{made}\n{base}\n"));
    assert!(done(who, &there, &["image", "gc"]).text().starts_with("freed 0 B"), "removing has swept");

    for (words, told) in [
        (["image", "pull", &registry.image("none:1")], "there is no image"),
        (["image", "pull", "127.0.0.1:1/bb:1"], "cannot be reached"),
        (["image", "push", "none:1"], "there is no image none:1"),
    ] {
        let ran = ran(who, &there, &words);
        assert!(ran.code == 2 && ran.stdout.is_empty(), "{words:?}: {ran:?}");
        assert!(ran.stderr.contains(told) && ran.stderr.contains("hint: "), "{words:?}: {ran:?}");
    }
}

fn a_server_tells_how_far_it_is(who: Who) {
    let (registry, temp, here) = (Registry::start(), Temp::new(), State::new(who));
    let image = registry.image("bb:1");
    done(who, &here, &["image", "import", "-q", &archive(&temp), "--name", &image]);
    done(who, &here, &["image", "push", "-q", &image]);
    let daemon = Daemon::start(who, &[]);
    let server = format!("http://{}", daemon.address);
    let (code, shown) = on_a_terminal(who, &["image", "pull", "--server", &server, &image], &here);
    assert!(code == 0 && has_bars(&shown) && shown.contains(&image), "{shown:?}");
    let again = done(who, &here, &["image", "pull", "--server", &server, &image]);
    assert!(again.text() == image.clone() + "\n" && again.stderr.contains("there already"), "{again:?}");
    let pulled: Value = done(who, &here, &["image", "pull", "--json", "--server", &server, &image]).json();
    assert_eq!(pulled[0]["name"], image.as_str(), "{pulled}");
    let missing = registry.image("none:1");
    let ran = ran(who, &here, &["image", "pull", "--server", &server, &missing]);
    assert!(ran.code == 2 && ran.stdout.is_empty() && ran.stderr.contains(&missing), "{ran:?}");
}
