//! Where this process keeps what it can make again, and what it cannot.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use nix::unistd::geteuid;

/// `None` for a user without a home.
pub(crate) fn policy_cache() -> Option<PathBuf> {
    cache(geteuid().is_root(), |name| env::var_os(name)).map(|cache| cache.join("stockade/policies"))
}

/// `None` for a user without a home.
pub(crate) fn state() -> Option<PathBuf> {
    state_home(geteuid().is_root(), |name| env::var_os(name)).map(|home| home.join("stockade"))
}

fn cache(root: bool, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if root { Some("/var/cache".into()) } else { base("XDG_CACHE_HOME", ".cache", variable) }
}

fn state_home(root: bool, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if root { Some("/var/lib".into()) } else { base("XDG_STATE_HOME", ".local/state", variable) }
}

/// By the XDG base directory specification, which ignores relative paths. Root has services' places instead.
fn base(name: &str, below_home: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    path(name).or_else(|| path("HOME").map(|home| home.join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_cache_is_the_users() {
        let of = |root, variables: &[(&str, &str)]| {
            let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
            cache(root, |name| found(name).map(|(_, value)| value.into()))
        };
        let both = [("XDG_CACHE_HOME", "/c"), ("HOME", "/home/u")];
        assert_eq!(of(false, &both), Some("/c".into()));
        assert_eq!(of(false, &both[1..]), Some("/home/u/.cache".into()));
        assert_eq!(of(false, &[("XDG_CACHE_HOME", "c"), ("HOME", "/h")]), Some("/h/.cache".into()));
        assert_eq!(of(false, &[("HOME", "")]), None);
        assert_eq!(of(true, &both), Some("/var/cache".into()));
    }

    #[test]
    fn a_users_state_is_the_users() {
        let home = |name: &str| (name == "HOME").then(|| "/home/u".into());
        assert_eq!(state_home(false, home), Some("/home/u/.local/state".into()));
        assert_eq!(
            state_home(false, |name| (name == "XDG_STATE_HOME").then(|| "/s".into())),
            Some("/s".into())
        );
        assert_eq!(state_home(false, |_| None), None);
        assert_eq!(state_home(true, home), Some("/var/lib".into()));
    }
}
