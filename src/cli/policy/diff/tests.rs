use super::host;
use crate::policy::test;
use crate::policy::testing::Folder;

#[test]
fn the_host_is_that_of_the_settings() {
    let folder = Folder::new();
    folder.write("mine.json", r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#);
    folder.write(
        "stockade.toml",
        "[limits.cap]\npids = 77\nwall_time_ms = 5000\n[seccomp_profiles]\nmine = \"mine.json\"\n",
    );
    let host = host(&folder.path().join("stockade.toml")).expect("settings");
    assert_eq!((host.caps.pids, host.caps.wall_time_ms), (77, 5000));
    assert_eq!(host.defaults.wall_time_ms, 5000, "a default is no more than its cap");
    assert!(host.profiles.iter().any(|name| name == "mine"), "{:?}", host.profiles);
    assert!(test::host().profiles.iter().all(|name| host.profiles.contains(name)), "{:?}", host.profiles);
}

#[test]
fn settings_that_are_none_are_told() {
    let folder = Folder::new();
    folder.write("stockade.toml", "no_such_setting = 1\n");
    assert!(host(&folder.path().join("stockade.toml")).is_err());
    assert!(host(&folder.path().join("nowhere.toml")).is_err());
}
