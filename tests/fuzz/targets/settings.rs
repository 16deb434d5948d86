use std::cell::RefCell;

use daemon::{Config, ConfigError, Settings};
use support::Temp;

use super::kind;
use crate::change::Form;
use crate::hunt::Target;

/// The daemon's settings file.
pub(super) fn target() -> Target {
    let words = &[
        "[limits]",
        "[retention]",
        "[tenants.a]",
        "[tenant_defaults]",
        "[registries.\"docker.io\"]",
        "[seccomp_profiles]",
        "listen = [\"unix:/a\"]",
        "tls_cert = \"\"",
        "durability = \"power\"",
        "memory_bytes = 0",
        "max_running = 0",
    ];
    Target { name: "settings", form: Form::Lines, seeds, words, tried }
}

fn seeds() -> Vec<Vec<u8>> {
    let all = "listen = [\"127.0.0.1:0\", \"unix:/tmp/s\"]\nstate_dir = \"s\"\nhost_paths = [\"/opt\"]\n\
        allow_degraded = [\"landlock\"]\nmax_running = 4\nmax_queued = 10\nmemory_bytes = 1073741824\ncpu_overcommit = 2.0\n\
        durability = \"power\"\ncallback_allow = [\"10.0.0.0/8\", \"127.0.0.1:80\"]\nregistry_auth_file = \"a.json\"\n\
        volume_bytes = 1048576\nmax_blob_bytes = 1024\nmax_body_bytes = 1024\nallowed_hosts = [\"a.example\"]\n\
        policies = \"ci\"\nlog = \"warn,api=debug\"\nlog_format = \"json\"\n[limits]\nmemory_bytes = 67108864\n\
        [limits.max]\nwall_time_ms = 1000\n[tenants.a]\nmax_running = 1\nweight = 2\n[tenant_defaults]\nmax_queued = 3\n\
        [retention]\nage_seconds = 60\n[registries.\"docker.io\"]\nmirrors = [\"http://127.0.0.1:1\"]\ninsecure = true\n\
        [seccomp_profiles]\nmine = \"p.json\"\n";
    vec![all.into(), b"[limits]\n".to_vec(), Vec::new()]
}

fn tried(input: &[u8]) -> String {
    thread_local!(static FOLDER: RefCell<Option<Temp>> = const { RefCell::new(None) });
    let path =
        FOLDER.with_borrow_mut(|folder| folder.get_or_insert_with(Temp::new).file("stockade.toml", input));
    match Config::load(Some(&path), &Settings::default()) {
        Ok(config) => {
            format!("{} addresses, {} registries", config.listen.len(), config.registries.registries.len())
        }
        Err(ConfigError::Parse { line, detail, .. }) => {
            assert!(line <= input.split(|byte| *byte == b'\n').count(), "line {line}");
            kind(&detail)
        }
        Err(error) => kind(&error.to_string()),
    }
}
