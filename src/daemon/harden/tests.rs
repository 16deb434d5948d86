use std::fs;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::socket::{AddressFamily, SockFlag, SockType};

use super::*;
use crate::Settings;
use crate::machine::Machine;

/// Set in the process that is to be walled in: for good, so it cannot be the one that runs the tests.
const FOLDER: &str = "STOCKADE_TEST_WALLED_FOLDER";

fn config(text: &str) -> Config {
    let settings: Settings = toml::from_str(text).expect("settings");
    let machine = Machine { memory_bytes: 4 << 30, cpus: 2, open_files: 4096, stack_bytes: u64::MAX };
    Config::resolve(settings, &machine).expect("accepted")
}

#[test]
fn folders_are_named_as_they_are_written_and_as_they_are() {
    let config = config(
        "listen = ['unix:/run/stockade/s.sock', '127.0.0.1:0']\npolicies = '/etc/stockade/p.toml'\n\
         tls_cert = '/c/cert.pem'\ntls_key = '/k/key.pem'\nadmission_log = '/var/log/s/a.jsonl'\npolicy_cache = '/cache'",
    );
    let paths = Paths::of(&config, Some(Path::new("/state")));
    for folder in ["/etc/stockade", "/c", "/k"] {
        assert!(paths.read.contains(&folder.into()), "{folder}: {:?}", paths.read);
    }
    assert_eq!(paths.sockets, [PathBuf::from("/run/stockade")]);
    assert_eq!(paths.logs, [PathBuf::from("/var/log/s")]);
    assert_eq!(paths.own, [PathBuf::from("/state"), "/cache".into()]);
    assert!(!paths.read.iter().any(|path| path == Path::new("/etc") || path == Path::new("/")));
}

#[test]
fn what_a_bundle_and_the_settings_name_elsewhere_can_be_read() {
    let folder = std::env::temp_dir().join(format!("stockade-harden-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let bundle = folder.join("p.toml");
    let policies = "[[policy]]\nname = 'a'\nplugin = '/opt/policies/a.wasm'\n\
        [[policy]]\nname = 'b'\nplugin = 'builtin:resource-limits'\n";
    fs::write(&bundle, policies).expect("a file");
    let text = format!("policies = '{}'\n[registries.'lan:5000']\nca = '/etc/lan/ca.pem'", bundle.display());
    let paths = Paths::of(&config(&text), None);
    fs::remove_dir_all(&folder).ok();
    for wanted in [folder.as_path(), Path::new("/opt/policies"), Path::new("/etc/lan")] {
        assert!(paths.read.contains(&wanted.into()), "{}: {:?}", wanted.display(), paths.read);
    }
}

#[test]
fn a_file_in_the_root_opens_nothing_but_itself() {
    let config = config("policies = '/p.toml'\ntls_cert = '/usr/../cert.pem'\ntls_key = '/k/key.pem'");
    let read = Paths::of(&config, None).read;
    for file in ["/p.toml", "/usr/../cert.pem", "/k"] {
        assert!(read.contains(&file.into()), "{file}: {read:?}");
    }
    assert!(
        !read.iter().any(|path| path.canonicalize().is_ok_and(|real| real == Path::new("/"))),
        "{read:?}"
    );
}

#[test]
fn what_is_written_has_a_folder_of_its_own() {
    for (key, text) in [
        ("listen", "listen = 'unix:/s.sock'"),
        ("admission_log", "admission_log = '/usr/../a.jsonl'"),
        ("policy_cache", "policy_cache = '/'"),
    ] {
        let refused = paths::refuse_root(&config(text)).expect_err(text).to_string();
        assert!(refused.contains(key), "{refused}");
    }
    paths::refuse_root(&config("listen = 'unix:/run/stockade/s.sock'\nadmission_log = '/var/a.jsonl'"))
        .expect("apart");
}

#[test]
fn a_shipped_bundle_opens_no_folder() {
    let with = Paths::of(&config("policies = 'ci'"), None);
    assert_eq!(with.read, Paths::of(&config(""), None).read);
}

#[test]
fn a_walled_process_has_its_own_files_and_no_others() {
    if std::env::var_os(FOLDER).is_some() {
        return walled();
    }
    let folder = std::env::temp_dir().join(format!("stockade-walls-{}", std::process::id()));
    for name in ["state", "other"] {
        fs::create_dir_all(folder.join(name)).expect("a temporary folder");
        fs::write(folder.join(name).join("file"), "text").expect("a temporary file");
    }
    let name = "harden::tests::a_walled_process_has_its_own_files_and_no_others";
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    let done = again.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(FOLDER, &folder).output();
    fs::remove_dir_all(&folder).expect("removed");
    let done = done.expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

/// The threads of the test's harness stay outside of landlock, and inside of the filter.
fn walled() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("set by the test"));
    let (state, other) = (folder.join("state"), folder.join("other"));
    let config = config("allow_degraded = ['landlock']");
    let walls = confine_to(&config, &Paths::of(&config, Some(&state))).expect("confined");
    filter().expect("filtered");
    let status = std::thread::spawn(|| fs::read_to_string("/proc/thread-self/status"));
    let status = status.join().expect("no panic").expect("its own status is readable");
    for line in [
        "NoNewPrivs:\t1",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "Seccomp:\t2",
        "Umask:\t0077",
    ] {
        assert!(status.contains(line), "{line} of {status}");
    }
    // One that the kernel would have, or would load a module for.
    let socket = |kind| nix::sys::socket::socket(AddressFamily::Inet, kind, SockFlag::SOCK_CLOEXEC, None);
    assert_eq!(socket(SockType::SeqPacket).err(), Some(nix::errno::Errno::EPROTONOSUPPORT));
    for kind in [SockType::Stream, SockType::Datagram] {
        socket(kind).expect("TCP and UDP");
    }
    // unshare(2) as anybody may who has no filter.
    let refused = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER);
    assert_eq!(refused, Err(nix::errno::Errno::EPERM));
    if walls.missing.is_some() {
        return;
    }
    assert_eq!(fs::read_to_string(state.join("file")).expect("its own"), "text");
    fs::create_dir(state.join("more")).expect("its own");
    fs::rename(state.join("file"), state.join("more/file")).expect("its own");
    for path in [other.join("file"), "/root/.bashrc".into(), "/var/lib/dpkg/status".into()] {
        assert!(fs::File::open(&path).is_err(), "{} can be read", path.display());
    }
    assert!(fs::write(other.join("new"), "").is_err(), "a file can be made in another folder");
    assert!(fs::read_to_string("/etc/nsswitch.conf").is_ok() || !Path::new("/etc/nsswitch.conf").exists());
    for folder in ["/home", "/etc", "/"] {
        assert!(fs::read_dir(folder).is_err(), "{folder} can be listed");
    }
    // What the process that compiles policies is started from.
    let own = Command::new("/proc/self/exe").arg("--list").output().expect("it may start itself");
    assert!(own.status.success(), "{}", String::from_utf8_lossy(&own.stderr));
    assert!(Command::new("/usr/bin/true").output().is_err(), "another program can be started");
}
