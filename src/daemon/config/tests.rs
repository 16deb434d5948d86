use std::env;

use super::*;
use crate::settings::SettingsFile;

const MACHINE: Machine = Machine { memory_bytes: 4 << 30, cpus: 2, open_files: 4096, stack_bytes: u64::MAX };

fn toml(text: &str) -> Settings {
    toml::from_str(text).expect("the settings are well-formed")
}

fn resolved(text: &str) -> Config {
    Config::resolve(toml(text), &MACHINE).expect("the settings are accepted")
}

fn refused(text: &str) -> String {
    Config::resolve(toml(text), &MACHINE).expect_err("the settings are refused").to_string()
}

fn from_env(variables: &[(&str, &str)]) -> Result<(Settings, Vec<String>), ConfigError> {
    Settings::from_env(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

#[test]
fn nothing_said_gives_the_machine_as_cap() {
    let config = resolved("");
    assert_eq!(config.listen, [Address::Tcp(([127, 0, 0, 1], 7070).into())]);
    assert_eq!((config.tls, config.allow_plaintext, config.state_dir), (None, false, None));
    assert_eq!(config.defaults, Limits::defaults());
    assert_eq!(
        (config.caps.memory_bytes, config.caps.cpus, config.caps.open_files),
        ((4 << 30) / 5 * 4, 2.0, 4096)
    );
    assert_eq!(config.caps.wall_time_ms, 3_600_000);
}

#[test]
fn file_then_environment_then_flag() {
    let file = toml(
        "max_running = 1\nmax_queued = 1\nallow_degraded = ['landlock', 'cgroup']\n[limits.cap]\npids = 9\ncpus = 1",
    );
    let (environment, unknown) = from_env(&[
        ("STOCKADE_MAX_RUNNING", "2"),
        ("STOCKADE_LIMITS_CAP_CPUS", "2"),
        ("STOCKADE_HOST_PATHS", "/usr:/etc/ssl"),
        ("HOME", "/root"),
        ("STOCKADE_PORT", "tcp://10.0.0.1:80"),
    ])
    .expect("accepted");
    let flags = Settings { allow_degraded: Some(BTreeSet::from(["cgroup".into()])), ..Settings::default() };
    let config = Config::resolve(flags.over(&environment.over(&file)), &MACHINE).expect("accepted");
    assert_eq!((config.service.capacity.slots, config.service.capacity.max_queued), (2, 1));
    assert_eq!((config.caps.pids, config.caps.cpus), (9, 2.0));
    assert_eq!(config.host_paths, [PathBuf::from("/usr"), PathBuf::from("/etc/ssl")]);
    assert_eq!(config.allow_degraded, BTreeSet::from(["cgroup".into()]), "a flag's list replaces the file's");
    assert_eq!(unknown, ["STOCKADE_PORT"]);
}

#[test]
fn a_bad_variable_is_named() {
    let error = from_env(&[("STOCKADE_MAX_RUNNING", "many")]).expect_err("refused").to_string();
    assert!(error.starts_with("STOCKADE_MAX_RUNNING: `many`: invalid type"), "{error}");
    let error = from_env(&[("STOCKADE_LIMITS_CAP_RAM", "1")]).expect_err("refused").to_string();
    assert!(error.starts_with("STOCKADE_LIMITS_CAP_RAM: `1`: unknown field `ram`"), "{error}");
}

#[test]
fn a_file_error_has_its_line() {
    let path = env::temp_dir().join(format!("stockade-config-{}.toml", std::process::id()));
    std::fs::write(&path, "max_queued = 1\n\nlissten = 'x'\n").expect("a temporary file");
    let read = |path: &Path| SettingsFile::read(path.into()).map(|file| file.settings);
    let error = read(&path).expect_err("refused").to_string();
    std::fs::write(&path, "max_queued = 1\nmemory_bytes = 9223372036854775808\n").expect("a temporary file");
    let beyond = read(&path).expect_err("more than 64 bits with their sign hold").to_string();
    let paths = "policies = 'p.toml'\nstate_dir = 's'\npolicy_cache = '/c'\n[seccomp_profiles]\nmine = 'mine.json'\nabsolute = '/a.json'\n";
    std::fs::write(&path, paths).expect("a temporary file");
    let settings = read(&path).expect("accepted");
    let profiles = settings.seccomp_profiles.unwrap_or_default();
    std::fs::remove_file(&path).expect("removed");
    assert!(error.starts_with(&format!("{}:3: unknown field `lissten`", path.display())), "{error}");
    assert!(beyond.starts_with(&format!("{}:2: ", path.display())), "{beyond}");
    assert_eq!(profiles["mine"], env::temp_dir().join("mine.json"));
    assert_eq!(profiles["absolute"], PathBuf::from("/a.json"));
    assert_eq!(settings.policies.as_deref(), env::temp_dir().join("p.toml").to_str());
    assert_eq!(settings.policy_cache, Some("/c".into()));
    assert_eq!(settings.state_dir, Some(env::temp_dir().join("s")));
}

#[test]
fn policies_are_named_or_left_out() {
    assert_eq!(resolved("").policies, None);
    assert_eq!(resolved("policies = 'b.toml'").policies.as_deref(), Some("b.toml"));
    assert_eq!(refused("policies = ''"), "setting `policies`: is empty");
    let (settings, _) = from_env(&[("STOCKADE_POLICIES", "7"), ("STOCKADE_POLICY_CACHE", "/c")])
        .expect("a text, whatever it looks like");
    let config = Config::resolve(settings, &MACHINE).expect("accepted");
    assert_eq!((config.policies.as_deref(), config.policy_cache), (Some("7"), Some("/c".into())));
}

#[test]
fn addresses_are_one_or_many() {
    let shown = |text: &str| resolved(text).listen.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown("listen = '[::1]:7070'"), ["[::1]:7070"]);
    assert_eq!(
        shown("listen = ['0.0.0.0:80', 'unix:/run/s.sock']"),
        ["0.0.0.0:80", "unix:/run/s.sock"],
        "whether it is a safe one is not known before there are tokens"
    );
    let (settings, _) = from_env(&[("STOCKADE_LISTEN", "127.0.0.1:1,unix:/s")]).expect("accepted");
    assert_eq!(settings.listen, Some(vec!["127.0.0.1:1".into(), "unix:/s".into()]));
    let flags = Settings { listen: Some(vec!["[::1]:2".into()]), ..Settings::default() };
    let merged = flags.over(&toml("listen = '127.0.0.1:1'"));
    assert_eq!(merged.listen, Some(vec!["[::1]:2".into()]), "a flag's list replaces the file's");
    assert!(refused("listen = 'localhost:80'").contains("is not an IP address with a port"));
    assert!(refused("listen = 'unix:run/s.sock'").contains("by its path from `/`"));
    assert!(refused("listen = []").contains("is empty"));
    let error = toml::from_str::<Settings>("listen = 5").expect_err("refused").to_string();
    assert!(error.contains("an address, or a list of them"), "{error}");
}

#[test]
fn a_certificate_has_its_key() {
    let config =
        resolved("tls_cert = '/c.pem'\ntls_key = '/k.pem'\nallow_plaintext = true\nstate_dir = '/s'");
    assert_eq!(config.tls, Some(("/c.pem".into(), "/k.pem".into())));
    assert_eq!((config.allow_plaintext, config.state_dir), (true, Some("/s".into())));
    assert_eq!(refused("tls_cert = '/c.pem'"), "setting `tls_cert`: there is no `tls_key` with it");
    assert_eq!(refused("tls_key = '/k.pem'"), "setting `tls_key`: there is no `tls_cert` with it");
    let (settings, _) =
        from_env(&[("STOCKADE_ALLOW_PLAINTEXT", "true"), ("STOCKADE_STATE_DIR", "/s")]).expect("accepted");
    assert_eq!((settings.allow_plaintext, settings.state_dir), (Some(true), Some("/s".into())));
    let error = from_env(&[("STOCKADE_ALLOW_PLAINTEXT", "yes")]).expect_err("refused").to_string();
    assert!(error.starts_with("STOCKADE_ALLOW_PLAINTEXT: `yes`: invalid type"), "{error}");
}

#[test]
fn host_paths_are_absolute_and_there() {
    resolved("host_paths = ['/usr/lib']");
    for path in ["usr", "/usr/../etc", "/", "/proc/self", "/dev", "/no/such/path"] {
        assert!(refused(&format!("host_paths = ['{path}']")).contains(path), "{path}");
    }
}

#[test]
fn layers_are_known_names() {
    resolved("allow_degraded = ['cgroup.memory', 'landlock']");
    assert!(refused("allow_degraded = ['seccomp']").contains("there is no layer `seccomp`"));
}

#[test]
fn a_default_follows_a_lower_cap_and_must_not_exceed_it() {
    let config = resolved("[limits.cap]\nmemory_bytes = 1048576");
    assert_eq!(config.defaults.memory_bytes, 1 << 20);
    let error = refused("[limits.cap]\npids = 10\n[limits.default]\npids = 11");
    assert_eq!(error, "setting `limits.default.pids`: above `limits.cap.pids`");
    assert_eq!(refused("[limits.default]\npids = 0"), "setting `limits.default.pids`: at least 1");
    assert_eq!(refused("[limits.cap]\ncpus = 0"), "setting `limits.cap.cpus`: at least 0.01");
    assert_eq!(refused("max_running = 0"), "setting `max_running`: must be at least 1");
}

#[test]
fn the_settings_of_the_readme_are_settings() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("```toml\nlisten").expect("the README shows settings");
    let (text, _) = rest.split_once("```").expect("an end of them");
    let machine = Machine { memory_bytes: 64 << 30, cpus: 8, ..MACHINE };
    let config = Config::resolve(toml(&format!("listen{text}")), &machine).expect("they are accepted");
    assert_eq!(config.service.capacity.memory_bytes, 8 << 30);
    assert_eq!(config.service.quotas.of("ci").weight, 2);
}

#[test]
fn what_one_job_may_have_all_jobs_have_together() {
    let both = "memory_bytes = 1073741824\n[limits.cap]\nmemory_bytes = 2147483648";
    assert!(refused(both).contains("`limits.cap.memory_bytes`"));
    assert!(refused("cpu_overcommit = 0.5\n[limits.cap]\ncpus = 2").contains("`limits.cap.cpus`"));
    assert!(refused("memory_bytes = 8589934592").contains("`memory_bytes`"));
    assert!(refused("[tenants.'a b']\nweight = 1").contains("`tenants.a b`"));
    assert!(refused("[tenants.a]\nmax_running = 0").contains("`tenants.a.max_running`"));
    assert!(refused("durability = 'disk'").contains("`durability`"));
    assert!(refused("callback_allow = ['home']").contains("`callback_allow`"));
}
