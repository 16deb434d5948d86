//! `stockade doctor`: on a host that is as it should be, and before each obstacle that can be put up here. Those that only a
//! change to the whole host could (AppArmor's restriction, `unprivileged_userns_clone`, an old kernel or one without overlayfs)
//! have unit tests over what such hosts' files say.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use nix::errno::Errno;
use nix::libc::{SYS_clone3, SYS_fsconfig, SYS_landlock_create_ruleset, SYS_unshare};
use serde_json::Value;
use support::{Case, Needs, Temp, Who, cases, figure, run, stockade};

use crate::outer;

pub(crate) fn cases() -> Vec<Case> {
    let for_all = cases![healthy].into_iter().map(|case| case.only(&Who::ALL));
    let of_root = cases![masked_proc, chroot].into_iter().map(|case| case.only(&[Who::Root]));
    let of_range = cases![no_helpers, powerless_helpers, nosuid_helpers, no_new_privs]
        .into_iter()
        .map(|case| case.only(&[Who::UserWithSubuid]));
    let filtered = cases![filtered, no_landlock, no_overlay]
        .into_iter()
        .map(|case| case.needs(Needs::Host(outer::no_python)));
    let all = cases![without_cgroups, print_setup, no_user_namespaces, no_space_for_namespaces, no_range];
    all.into_iter().chain(for_all).chain(of_root).chain(of_range).chain(filtered).collect()
}

/// The checks that `doctor` prints where it is started so; it fails when one of them does.
fn checks(mut command: Command) -> Value {
    let output = command.output().expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr);
    let checks: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no checks: {error}"));
    let failed = checks.as_array().into_iter().flatten().any(|check| check["status"] == "FAIL");
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{checks}{error}");
    checks
}

/// `script` as that user, with the binary as `$0` and what follows.
fn shell(who: Who, wrapper: &[&str], script: &str) -> Command {
    let mut command = who.command("env");
    command.args(wrapper).args(["sh", "-ec", script]).arg(stockade());
    command
}

#[track_caller]
fn told(checks: &Value, name: &str, status: &str, detail: &str, remedy: &str) {
    let named = checks.as_array().into_iter().flatten().filter(|check| check["check"] == name);
    let holds = |check: &Value, field: &str, word: &str| {
        check[field].as_str().is_some_and(|text| text.contains(word))
    };
    let told = |check: &Value| {
        check["status"] == status && holds(check, "detail", detail) && holds(check, "remedy", remedy)
    };
    assert!(named.clone().any(told), "{:?} of {checks}", named.collect::<Vec<_>>());
}

fn healthy(who: Who) {
    let ran = run(who, &["doctor", "--json"]);
    let checks = ran.json();
    let checks = checks.as_array().expect("a list of checks");
    let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "FAIL").collect();
    assert_eq!(ran.code, i32::from(!failed.is_empty()), "{failed:?}");
    // Jobs run here, so nothing can be so wrong.
    assert!(failed.is_empty(), "{failed:?}");
    for check in checks {
        assert!(matches!(check["status"].as_str(), Some("PASS" | "CAUTION" | "FAIL")), "{check}");
        assert!(check["check"].is_string() && check["detail"].is_string(), "{check}");
        assert!(check["status"] == "PASS" || check["remedy"].is_string(), "a remedy for {check}");
    }
    let text = run(who, &["doctor"]);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(
        text.text().contains("PASS") && !text.text().contains('\u{1b}'),
        "no colours in a pipe: {}",
        text.text()
    );
    figure(format!("{}: {}", who.name(), text.text().lines().last().unwrap_or_default()));
}

/// A user to whom nothing was delegated: `doctor` fails and says what mends it, `run` refuses, and with the operator's
/// word the job runs and the receipt tells what was missing.
fn without_cgroups(who: Who) {
    if who == Who::Root || !nix::unistd::geteuid().is_root() {
        // Root can always make its own, and the suite as a user cannot become somebody else: see the case for `user`.
        assert_eq!(run(who, &["doctor"]).code, 0);
        return;
    }
    let bare = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=61235", "--regid=61235", "--clear-groups", "--"])
            .arg(stockade())
            .args(arguments);
        let output = command.current_dir("/").output().expect("setpriv runs");
        let texts = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        (output.status.code(), texts.0, texts.1)
    };
    let (code, text, _) = bare(&["doctor"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("FAIL") && text.contains("print-setup"), "{text}");
    let (code, _, error) = bare(&["run", "true"]);
    assert_eq!(code, Some(125), "{error}");
    assert!(error.starts_with("error: ") && error.contains("hint: "), "{error}");
    let (code, text, error) = bare(&["run", "--json", "--allow-degraded", "cgroup", "true"]);
    assert_eq!(code, Some(0), "{text}{error}");
    let job: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(job["isolation"]["degraded"], serde_json::json!(["cgroup"]), "{job}");
    assert_eq!(job["isolation"]["cgroup"]["version"], "none", "{job}");
    let (code, _, error) = bare(&["run", "--allow-degraded", "cgroup", "--require", "cgroup.memory", "true"]);
    assert_eq!(code, Some(125), "{error}");
}

/// That its commands work is what every other case of `user` shows: they are how it got its cgroups.
fn print_setup(who: Who) {
    let ran = run(who, &["doctor", "--print-setup"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.text().starts_with('#') && ran.text().contains(&format!("user-{}", who.uid())),
        "{}",
        ran.text()
    );
}

/// As on hosts whose administrator allows none: set in a namespace of our own, for what is below it.
fn no_user_namespaces(who: Who) {
    let script = "echo 0 >/proc/sys/user/max_user_namespaces; exec \"$0\" doctor --json";
    let checks = checks(shell(who, &["unshare", "--user", "--map-root-user"], script));
    told(
        &checks,
        "user_namespaces",
        "FAIL",
        "max_user_namespaces is 0",
        "sysctl -w user.max_user_namespaces",
    );
}

/// What a container without further options has over its own.
fn masked_proc(who: Who) {
    let script = "mount --bind /dev/null /proc/version; exec \"$0\" doctor --json";
    let checks = checks(shell(who, &["unshare", "--mount"], script));
    told(&checks, "proc", "FAIL", "/proc/version", "systempaths=unconfined");
    told(&checks, "sandbox", "FAIL", "EPERM", "mend the checks above");
}

fn chroot(who: Who) {
    let root = Temp::new();
    let script = "cd \"$ROOT\"
        for name in usr proc sys dev tmp etc; do mkdir $name; mount --rbind /$name $name; done
        for name in bin sbin lib lib64; do if [ -L /$name ]; then cp -P /$name .; fi; done
        touch stockade; mount --bind \"$0\" stockade
        exec chroot . /stockade doctor --json";
    let mut command = shell(who, &["unshare", "--mount"], script);
    command.env("ROOT", root.path());
    let checks = checks(command);
    told(&checks, "root", "FAIL", "chroot", "outside of the chroot");
    told(&checks, "sandbox", "FAIL", "user namespace", "mend the checks above");
}

/// As Docker's usual list does for who has no capability: unshare(2) is refused, clone3(2) unknown.
fn filtered(who: Who) {
    let mut command = outer::filtered(who, &[(SYS_unshare, Errno::EPERM), (SYS_clone3, Errno::ENOSYS)]);
    command.args(["doctor", "--json"]);
    told(&checks(command), "sandbox", "FAIL", "user namespace", "seccomp=unconfined");
}

/// As a kernel without it answers.
fn no_landlock(who: Who) {
    let mut command = outer::filtered(who, &[(SYS_landlock_create_ruleset, Errno::ENOSYS)]);
    command.args(["doctor", "--json"]);
    told(&checks(command), "landlock", "FAIL", "off in this kernel", "--allow-degraded=landlock");
}

/// Every overlay is refused and no other mount: what is said is about cases alone, since jobs run.
fn no_overlay(who: Who) {
    // fsconfig(2) FSCONFIG_SET_FLAG, which only `userxattr` of overlayfs takes.
    let mut command = outer::filtered_at(who, SYS_fsconfig, (1, 0), Errno::EINVAL);
    command.args(["doctor", "--json"]);
    let checks = checks(command);
    told(&checks, "overlay", "CAUTION", "does not let an ordinary user mount one", "CONFIG_OVERLAY_FS");
    assert!(checks.as_array().into_iter().flatten().all(|check| check["status"] != "FAIL"), "{checks}");
}

/// A namespace of our own lets the user in it make so many more, one of which `doctor` stands in.
fn no_space_for_namespaces(who: Who) {
    let allowed = |most: u32, inner: &str| {
        // What is left of the cgroups of who was root is of no matter here.
        let without = "cgroup,cgroup.memory,cgroup.pids,cgroup.cpu,cgroup.swap";
        let script = format!(
            "echo {most} >/proc/sys/user/max_user_namespaces
             exec unshare --user {inner} \"$0\" doctor --json --allow-degraded {without}"
        );
        checks(shell(who, &["unshare", "--user", "--map-root-user"], &script))
    };
    let remedy = "raise `user.max_user_namespaces`";
    told(&allowed(1, "--map-root-user"), "sandbox", "FAIL", "making a user namespace: No space left", remedy);
    // The launcher's is the last.
    told(&allowed(2, "--map-user=1000 --map-group=1000"), "sandbox", "FAIL", "ENOSPC", remedy);
}

/// The setuid bit is there, and of no use.
fn nosuid_helpers(who: Who) {
    // Makes its account.
    drop(who.command("true"));
    let folder = Temp::new();
    let script = "mount -t tmpfs -o nosuid,mode=755 none \"$ONLY\"
        cp -p /usr/bin/newuidmap /usr/bin/newgidmap \"$ONLY\"
        exec setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups --inh-caps=-all \\
            env PATH=\"$ONLY\" \"$0\" doctor --json";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", script]).arg(stockade());
    command.env("ONLY", folder.path()).env("USER_ID", who.uid().to_string());
    told(&checks(command), "id_map", "CAUTION", "mounted nosuid", "remount,suid");
}

fn no_range(who: Who) {
    if who == Who::Root || !who.shares_one_id() {
        // Has ids of its own to give.
        return assert_eq!(run(who, &["doctor"]).code, 0);
    }
    let mut command = who.command(stockade());
    command.args(["doctor", "--json"]);
    told(&checks(command), "id_map", "CAUTION", "/etc/subuid", "usermod --add-subuids");
}

fn no_helpers(who: Who) {
    let checks = checks(shell(who, &[], "PATH=/nowhere; exec \"$0\" doctor --json"));
    told(&checks, "id_map", "CAUTION", "no newuidmap", "package `uidmap`");
}

/// Copies, which are not setuid.
fn powerless_helpers(who: Who) {
    let folder = Temp::new();
    for helper in ["newuidmap", "newgidmap"] {
        let copy = folder.path().join(helper);
        fs::copy(format!("/usr/bin/{helper}"), &copy).expect("uidmap is installed");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("an own file");
    }
    let mut command = shell(who, &[], "PATH=$ONLY; exec \"$0\" doctor --json");
    command.env("ONLY", folder.path());
    told(&checks(command), "id_map", "CAUTION", "is not setuid root", "chmod u+s");
}

fn no_new_privs(who: Who) {
    let mut command = who.command("setpriv");
    command.arg("--no-new-privs").arg(stockade()).args(["doctor", "--json"]);
    told(&checks(command), "no_new_privs", "CAUTION", "newuidmap cannot work", "no-new-privileges");
}
