use std::path::PathBuf;

use super::*;
use crate::Settings;
use crate::machine::Machine;

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
fn a_shipped_bundle_opens_no_folder() {
    let with = Paths::of(&config("policies = 'ci'"), None);
    assert_eq!(with.read, Paths::of(&config(""), None).read);
}
