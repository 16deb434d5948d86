//! What comes with the binary: the first-party plugins and the bundles of `policies/`.

macro_rules! plugins {
    ($($name:literal),*) => {
        &[$(($name, include_bytes!(concat!("../../plugins/", $name, "/", $name, ".wasm")))),*]
    };
}

macro_rules! bundles {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../policies/", $name, ".toml")))),*]
    };
}

/// Of a bundle, as JSON.
pub const BUNDLE_SCHEMA: &str = include_str!("../../policies/bundle.schema.json");

const PLUGINS: &[(&str, &[u8])] = plugins![
    "audit-log",
    "egress-guard",
    "image-allowlist",
    "label-defaults",
    "resource-limits",
    "secret-scan",
    "tenant-quota"
];

const BUNDLES: &[(&str, &str)] = bundles!["ci", "default", "ide", "judge"];

/// Names of all built-in plugins, as in `builtin:NAME`.
pub fn plugin_names() -> Vec<&'static str> {
    PLUGINS.iter().map(|(name, _)| *name).collect()
}

/// A built-in plugin's component.
pub fn plugin(name: &str) -> Option<&'static [u8]> {
    PLUGINS.iter().find(|(known, _)| *known == name).map(|(_, component)| *component)
}

/// Names of all shipped bundles.
pub fn bundle_names() -> Vec<&'static str> {
    BUNDLES.iter().map(|(name, _)| *name).collect()
}

pub(crate) fn bundle(name: &str) -> Option<&'static str> {
    BUNDLES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
