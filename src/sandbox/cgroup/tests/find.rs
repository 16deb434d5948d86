//! Where groups are made, by whom, and what becomes of them when their daemon dies.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use model::CgroupLimits;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getpid},
};

use super::support::{
    NONE, OTHER, find, find_for, in_own_process, is_root, own_process, report, run, say, start_sleeper,
    with_groups,
};
use crate::cgroup::{Delegation, FindOptions, Groups, membership, print_setup};

#[test]
fn a_found_place_is_described_and_survives_serialisation() {
    in_own_process("find::a_found_place_is_described_and_survives_serialisation", || {
        let Some(mut found) = find() else { return };
        let bytes = postcard::to_stdvec(&found).expect("encode");
        let sent: Delegation = postcard::from_bytes(&bytes).expect("decode");
        assert_eq!((&sent.v1, &sent.v2, sent.version()), (&found.v1, &found.v2, found.version()));
        let groups = Groups::open(&sent).expect("open");
        let caps = groups.caps();
        say(&format!("{caps:?}"));
        assert_eq!(caps.version, found.version());
        assert!(caps.controllers.iter().any(|name| name == "memory"));
        groups.remove_all().expect("remove");
        assert!(found.release().is_empty());
    });
}

/// Another launcher of the same daemon takes over, jobs of the first one included.
#[test]
fn a_second_launcher_clears_what_the_first_left() {
    in_own_process("find::a_second_launcher_clears_what_the_first_left", || {
        let Some(mut found) = find() else { return };
        let first = Groups::open(&found).expect("open");
        let group = first.create("orphan", &NONE, &[NONE], None).expect("create");
        let mut child = start_sleeper(&group, 0);
        drop((group, first));
        let second = Groups::open(&found).expect("open again");
        assert_eq!(child.wait().expect("wait").signal(), Some(9));
        let group = second.create("orphan", &NONE, &[NONE], None).expect("the name is free again");
        assert_eq!(run(&group, 0, None, "print 'ok'").stdout, b"ok");
        second.remove_all().expect("remove");
        assert!(found.release().is_empty());
    });
}

/// The first run of this test leaves a job and dies; the second finds it.
#[test]
fn a_dead_daemons_jobs_are_swept() {
    const DIES: &str = "STOCKADE_CGROUP_TEST_DIES";
    let test = "find::a_dead_daemons_jobs_are_swept";
    in_own_process(test, || {
        if std::env::var_os(DIES).is_some() {
            let Some(found) = find() else { return };
            let groups = Groups::open(&found).expect("open");
            let group = groups.create("left", &NONE, &[NONE], None).expect("create");
            let mut child = start_sleeper(&group, 0);
            say(&format!("left {} {}", getpid(), child.id()));
            kill(getpid(), Signal::SIGKILL).expect("kill");
            child.wait().expect("not reached");
        }
        let died = own_process(test).env(DIES, "1").output().expect("run");
        let printed = String::from_utf8_lossy(&died.stderr).into_owned();
        let Some(line) = printed.lines().find_map(|line| line.strip_prefix("left ")) else {
            assert!(printed.contains("SKIPPED"), "{printed}");
            return say("SKIPPED: no cgroup to leave");
        };
        let (daemon, job) = line.split_once(' ').expect("two numbers");
        let job = Pid::from_raw(job.parse().expect("a number"));

        let mut found = find().expect("what the dead one found");
        // Another test's daemon may be sweeping it just now, but somebody is.
        let swept = format!("stockade-{daemon}");
        let gone = |path: &Path| !path.with_file_name(&swept).exists();
        let is_swept = || found.v2.iter().chain(&found.v1).all(|subtree| gone(&subtree.path));
        let in_time = (0..200).any(|_| {
            sleep(Duration::from_millis(10));
            is_swept()
        });
        assert!(in_time, "{found:?}");
        assert!(!Path::new(&format!("/proc/{job}/fd/0")).exists(), "the job still runs");
        assert!(found.release().is_empty());
    });
}

/// Daemons that start, work and end beside each other never sweep one that lives.
#[test]
fn starts_beside_each_other_do_not_race() {
    const TURN: &str = "STOCKADE_CGROUP_TEST_TURN";
    let test = "find::starts_beside_each_other_do_not_race";
    in_own_process(test, || {
        if std::env::var_os(TURN).is_some() {
            for _ in 0..10 {
                with_groups(|groups| {
                    let group = groups.create("turn", &NONE, &[NONE], None).expect("create");
                    assert_eq!(run(&group, 0, None, "print 'ok'").stdout, b"ok");
                });
            }
            return;
        }
        let turns: Vec<_> = (0..6)
            .map(|_| own_process(test).env(TURN, "1").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn())
            .collect();
        for turn in turns {
            report(test, &turn.expect("spawn").wait_with_output().expect("wait"));
        }
    });
}

/// As the service does it: root finds a place and gives it away, the launcher has shed root and lives in a user
/// namespace.
#[test]
fn a_launcher_without_root_works_in_what_root_made() {
    const SENT: &str = "STOCKADE_CGROUP_TEST_SENT";
    let test = "find::a_launcher_without_root_works_in_what_root_made";
    in_own_process(test, || {
        if let Ok(sent) = std::env::var(SENT) {
            return as_launcher(&serde_json::from_str(&sent).expect("decode"));
        }
        if !is_root() {
            return;
        }
        let Some(mut found) = find_for(Some(OTHER)) else { return };
        let sent = serde_json::to_string(&found).expect("encode");
        let itself = own_process(test);
        let mut inside = Command::new("unshare");
        inside.args(["--user", "--map-root-user"]).arg(itself.get_program()).args(itself.get_args());
        inside.envs(itself.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = as_other(&inside, "").env(SENT, sent).output().expect("perl");
        assert!(found.release().is_empty());
        report(test, &output);
    });
}

fn as_launcher(delegation: &Delegation) {
    let map = std::fs::read_to_string("/proc/self/uid_map").expect("uid_map");
    assert_eq!(map.split_whitespace().collect::<Vec<_>>(), ["0", &OTHER.0.to_string(), "1"]);
    let groups = Groups::open(delegation).expect("open");
    let limits =
        CgroupLimits { memory_bytes: Some(32 << 20), pids: Some(4), cpus: Some(0.5), cpu_weight: Some(10) };
    let mut group = groups.create("shed", &limits, std::slice::from_ref(&limits), None).expect("create");
    assert_eq!(run(&group, 0, None, "print 'ok'").stdout, b"ok");
    group.remove().expect("remove");
    groups.remove_all().expect("remove all");
}

/// What `print_setup` prints is run as root; then a user without any rights uses the tree.
#[test]
fn an_ordinary_user_works_in_a_prepared_tree() {
    const USER: &str = "STOCKADE_CGROUP_TEST_USER";
    let test = "find::an_ordinary_user_works_in_a_prepared_tree";
    in_own_process(test, || {
        if std::env::var_os(USER).is_some() {
            assert_eq!(nix::unistd::geteuid().as_raw(), OTHER.0);
            return as_user();
        }
        if !is_root() {
            return;
        }
        let script = print_setup(OTHER.0, &OTHER.0.to_string());
        let prepare: String = script
            .lines()
            .filter(|line| !line.contains("PID") && !line.contains("su -"))
            .fold(String::from("set -e\n"), |printed, line| printed + line + "\n");
        let prepared = Command::new("sh").args(["-c", &prepare]).output().expect("sh");
        assert!(prepared.status.success(), "{prepared:?}\n{script}");
        // On v1 alone there is no need to stand inside.
        let shell = script.lines().find_map(|line| line.strip_prefix("echo PID > "));
        // A login shell stays in its leaf beside what it starts; another program becomes Stockade, and is alone there.
        let stay = "if (my $pid = fork) { waitpid($pid, 0); exit($? ? 1 : 0) }";
        let outputs = [stay, ""].map(|stay| {
            let enter = shell.map_or(String::new(), |shell| perl_enter(Path::new(shell)) + stay);
            as_other(&own_process(test), &enter).env(USER, "1").output().expect("perl")
        });
        unprepare(&script);
        for output in outputs {
            let printed = String::from_utf8_lossy(&output.stdout);
            if let Some(line) = printed.lines().find(|line| line.contains("SKIPPED")) {
                return say(line);
            }
            report(test, &output);
        }
    });
}

/// What systemd gives: a group that holds this process alone and belongs to its user. It has to be emptied first.
#[test]
fn a_user_alone_in_a_delegated_group_works_there() {
    const GROUP: &str = "STOCKADE_CGROUP_TEST_GROUP";
    let test = "find::a_user_alone_in_a_delegated_group_works_there";
    in_own_process(test, || {
        if let Ok(group) = std::env::var(GROUP) {
            return as_delegate(Path::new(&group));
        }
        if !is_root() {
            return;
        }
        let hierarchies = membership::read().expect("hierarchies");
        let Some(v2) = hierarchies.iter().find(|one| {
            one.unified
                && std::fs::read_to_string(one.mount.join("cgroup.controllers"))
                    .is_ok_and(|c| c.contains("pids"))
        }) else {
            return say("SKIPPED: no v2 controllers");
        };
        let group = v2.mount.join(format!("delegated-{}", getpid()));
        std::fs::create_dir(&group).expect("a group");
        std::fs::write(v2.mount.join("cgroup.subtree_control"), "+memory +pids +cpu").expect("controllers");
        for file in ["", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"] {
            std::os::unix::fs::chown(group.join(file), Some(OTHER.0), Some(OTHER.1)).expect("chown");
        }
        let enter = perl_enter(&group.join("cgroup.procs"));
        let output = as_other(&own_process(test), &enter).env(GROUP, &group).output().expect("perl");
        std::fs::remove_dir(&group).expect("empty again");
        report(test, &output);
    });
}

fn as_delegate(group: &Path) {
    let mut found = Delegation::find(&FindOptions { owner: None, allow_swap: true }).expect("find");
    assert_eq!(found.v2.as_ref().and_then(|subtree| subtree.path.parent()), Some(group));
    let groups = Groups::open(&found).expect("open");
    let limits = CgroupLimits { pids: Some(4), ..NONE };
    let group = groups.create("mine", &limits, std::slice::from_ref(&limits), None).expect("create");
    assert_eq!(run(&group, 0, None, "print 'ok'").stdout, b"ok");
    drop(group);
    groups.remove_all().expect("remove");
    assert!(found.release().is_empty(), "did not get home");
}

fn perl_enter(procs: &Path) -> String {
    format!("open(F, '>', '{}') && syswrite(F, '0') or die $!; close F;", procs.display())
}

/// `command` started by a Perl that first does `before` and then takes on the other user's ids.
fn as_other(command: &Command, before: &str) -> Command {
    let (uid, gid) = OTHER;
    let program = format!(
        "{before} $( = {gid}; $) = '{gid} {gid}'; $< = $> = {uid}; exec @ARGV or print \"SKIPPED: $!\";"
    );
    let mut perl = Command::new("perl");
    perl.args(["-e", &program]).arg(command.get_program()).args(command.get_args());
    perl.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    perl
}

fn as_user() {
    let mut found = Delegation::find(&FindOptions { owner: None, allow_swap: true }).expect("find");
    for subtree in found.v2.iter().chain(&found.v1) {
        // Not in the leaf of the shells: nobody else could enter that one any more.
        let tree = subtree.path.parent().and_then(Path::file_name);
        assert_eq!(tree, Some(format!("stockade-user-{}", OTHER.0).as_ref()), "{found:?}");
    }
    let limits =
        CgroupLimits { memory_bytes: Some(32 << 20), pids: Some(4), cpus: Some(0.5), cpu_weight: None };
    let groups = Groups::open(&found).expect("open");
    let group = groups.create("mine", &limits, &[limits.clone(), NONE], None).expect("create");
    let killed = run(&group, 0, None, "my $n = 96 << 20; my $x = 'x' x $n;");
    assert_eq!(killed.status.signal(), Some(9), "{killed:?}");
    assert!(group.steps[0].stats.read().oom_kills >= Some(1));
    drop(group);
    groups.remove_all().expect("remove");
    assert!(found.release().is_empty());
}

/// The directories that the script made, deepest first.
fn unprepare(script: &str) {
    for made in script.lines().filter_map(|line| line.strip_prefix("mkdir -p ")) {
        let made = Path::new(made);
        let tree = if made.ends_with("shell") { made.parent().unwrap_or(made) } else { made };
        for dir in [made, tree] {
            let _ = std::fs::remove_dir(dir);
        }
    }
}
